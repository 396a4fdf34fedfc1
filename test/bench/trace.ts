import { join } from 'node:path';
import { loadScenarioFiles } from '#simulation/files.ts';
import { simulatedCalibration } from '#simulation/hardware.ts';
import { playScenario } from '#simulation/play.ts';
import { loadScenario } from '#simulation/scenario.ts';
import { createTrace } from '#traces/folder.ts';
import { root } from './support/processes.ts';

export interface LongTrace {
  readonly path: string;
  readonly seconds: number;
  readonly cellSamples: number;
}

/**
 * Records trips of the demo cart one after the other, each with its own seed: four cells at 80 samples/s, a motion
 * sensor at 100/s, a scanner. Between two trips the goods leave with the shopper.
 */
export async function recordTrips(folder: string, trips: number): Promise<LongTrace> {
  const scenario = await loadScenario(join(root, 'config/scenarios/demo-trip.yaml'));
  const { board, catalogue, planogram } = await loadScenarioFiles(scenario);
  const writer = await createTrace(folder, {
    device: 'bench-cart',
    board,
    calibration: simulatedCalibration(board),
    catalogue: scenario.catalogue,
    extra: { started: '2026-01-05T10:00:00.000Z' },
  });
  const sequences = new Map<string, number>();
  let originUs = 0;
  let cellSamples = 0;
  for (let trip = 0; trip < trips; trip++) {
    let endUs = originUs;
    for (const item of playScenario({ scenario, board, catalogue, planogram, seed: scenario.seed + trip })) {
      if (item.kind === 'end') endUs = originUs + item.atUs;
      if (item.kind !== 'input') continue;
      const { input } = item;
      const atUs = originUs + input.atUs;
      if (input.kind === 'cell') {
        // The converters go on counting from trip to trip.
        const sequence = sequences.get(input.source) ?? 0;
        sequences.set(input.source, sequence + 1);
        writer.recorder.input({ ...input, atUs, sequence });
        if (++cellSamples % 20_000 === 0) await writer.drain();
      } else {
        writer.recorder.input({ ...input, atUs });
      }
    }
    originUs = endUs;
  }
  writer.recorder.end(originUs);
  await writer.close();
  return { path: writer.path, seconds: originUs / 1_000_000, cellSamples };
}
