import { z } from 'zod';

/** The key `vision` of a configuration. */
export const visionSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Look through the cameras of the board; without cameras nothing is started.'),
    model: z
      .string()
      .default('groceries')
      .describe('Model: a name under config/models/, or the path of a folder with a manifest.'),
    backend: z
      .enum(['onnx-int8', 'onnx-fp32', 'tfjs-wasm', 'tfjs-node'])
      .default('onnx-int8')
      .describe("Inference engine, and which of the model's files it takes."),
    threads: z.number().int().min(1).max(16).default(1).describe('Threads of one inference.'),
    gallery: z
      .string()
      .optional()
      .describe('Gallery file; where left out, gallery.cwg in the data folder, which enrolling makes.'),
    ringSeconds: z
      .number()
      .int()
      .min(1)
      .max(30)
      .default(4)
      .describe('How long frames are kept in memory, s.'),
    ringMegabytes: z
      .number()
      .int()
      .min(4)
      .max(1024)
      .default(64)
      .describe('Bound of the frames that are kept in memory, of all cameras together, MB.'),
    restPerSecond: z
      .number()
      .min(0.5)
      .max(30)
      .default(4)
      .describe('Frames a second that are looked at while nothing happens, of each camera.'),
    watchPerSecond: z
      .number()
      .min(1)
      .max(30)
      .default(10)
      .describe('Frames a second that are looked at while something moves or a code is expected.'),
    warmMilliCelsius: z
      .number()
      .int()
      .min(30_000)
      .max(110_000)
      .default(75_000)
      .describe('Temperature of the processor above which fewer frames are looked at, m°C.'),
    memoryMegabytes: z
      .number()
      .int()
      .min(100)
      .max(8192)
      .default(400)
      .describe('Memory of the vision process above which it is started again, MB.'),
    silentMs: z
      .number()
      .int()
      .min(2_000)
      .max(600_000)
      .default(5_000)
      .describe(
        'How long the vision process may say nothing before it is ended and started again, ms; more on a machine that is slower than a Raspberry Pi 4.',
      ),
    recording: z
      .strictObject({
        longestS: z
          .number()
          .int()
          .min(0)
          .max(86_400)
          .default(0)
          .describe('Longest recording that a technician may start, s; 0, as left out, allows none.'),
        keepMinutes: z
          .number()
          .int()
          .min(0)
          .max(7 * 24 * 60 - 24 * 60)
          .default(60)
          .describe('How long a recording is kept on the device after its end, min; then it is erased.'),
        megabytes: z
          .number()
          .int()
          .min(1)
          .max(1_048_576)
          .default(512)
          .describe('Bound of all recordings together, MB.'),
      })
      .prefault({})
      .describe("A technician's recording: the only frames that are ever written to the disk."),
  })
  .describe('Cameras: what is seen, and how much of the machine that may take.');
