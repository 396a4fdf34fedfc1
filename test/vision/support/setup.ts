import type { VisionSetup } from '#vision/process/messages.ts';

/** What a vision process is told, with one camera over one plate. */
export function setupOf(more: Partial<VisionSetup> = {}): VisionSetup {
  return {
    devices: [{ id: 'camera', driver: 'files', options: {} }],
    views: [{ plate: 'basket', camera: 'camera', region: [0, 0, 64, 48], purpose: 'things' }],
    driverPaths: [],
    looks: ['apple'],
    backend: 'onnx-int8',
    threads: 1,
    ringUs: 4_000_000,
    ringBytes: 1_000_000,
    restPerSecond: 4,
    watchPerSecond: 10,
    warmMilliCelsius: 75_000,
    recordings: '/nonexistent',
    keepRecordingUs: 60_000_000,
    recordingBytes: 1_000_000,
    ...more,
  };
}
