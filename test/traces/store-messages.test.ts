import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadCatalogue } from '#catalogue/load.ts';
import { parseCatalogue } from '#catalogue/parse.ts';
import { loadBoard } from '#config/load.ts';
import type { CartEvent } from '#events/event.ts';
import { toJsonLine } from '#events/json.ts';
import { simulatedCalibration } from '#simulation/hardware.ts';
import { playScenario } from '#simulation/play.ts';
import { loadScenario } from '#simulation/scenario.ts';
import type { TraceError } from '#traces/errors.ts';
import { createTrace } from '#traces/folder.ts';
import { openTrace } from '#traces/reader.ts';
import { replay } from '#traces/replay.ts';
import { loadReplaySetup } from '#traces/setup.ts';
import { temporaryFolder } from './support.ts';

/** A trip in whose middle the store gives its cart a dearer catalogue, recorded as a gateway records it. */
async function recordedTrip(t: ExecutionContext): Promise<string> {
  const scenario = await loadScenario('config/scenarios/scan-then-place.yaml');
  const board = await loadBoard(scenario.board);
  const catalogue = await loadCatalogue(scenario.catalogue);
  const document = JSON.parse(await readFile(scenario.catalogue, 'utf8')) as {
    products: { priceMinor?: number }[];
  };
  const products = document.products.map((one) =>
    one.priceMinor === undefined ? one : { ...one, priceMinor: one.priceMinor + 100 },
  );
  const dearer = { ...document, version: 'dearer', products };
  const folder = await temporaryFolder(t);
  const received = join(folder, 'received.json');
  await writeFile(received, JSON.stringify(dearer));
  const writer = await createTrace(join(folder, 'trace'), {
    device: 'cart-1',
    board,
    calibration: simulatedCalibration(board),
    catalogue: scenario.catalogue,
    extra: { started: '2026-11-22T10:00:00Z' },
  });
  let scans = 0;
  for (const item of playScenario({ scenario, board, catalogue })) {
    if (item.kind === 'truth') writer.recorder.truth(item.truth, item.atUs);
    else if (item.kind === 'end') writer.recorder.end(item.atUs);
    else if (item.kind === 'input') {
      writer.recorder.input(item.input);
      if (item.input.kind !== 'scan') continue;
      scans += 1;
      if (scans !== 2) continue;
      const stock = { catalogue: parseCatalogue(dearer) };
      writer.recorder.input({ kind: 'store', atUs: item.input.atUs, stock, files: { catalogue: received } });
    }
  }
  await writer.close();
  await rm(received);
  return writer.path;
}

async function replayed(
  path: string,
): Promise<{ events: CartEvent[]; text: string; error: TraceError | undefined }> {
  const reader = await openTrace(path);
  const events: CartEvent[] = [];
  const { error } = await replay(reader, await loadReplaySetup(path, reader.header, {}), (event) =>
    events.push(event),
  );
  return { events, text: events.map((event) => toJsonLine(event)).join('\n'), error };
}

test('what the store gave in the middle of a recording is given again at the same place, from files beside it', async (t) => {
  const path = await recordedTrip(t);
  const { events, text, error } = await replayed(path);
  t.is(error, undefined);
  const lines = events.flatMap((event) => (event.type === 'basket.line' ? [event] : []));
  t.deepEqual(
    lines.map(({ data, versions }) => [data.catalogue, versions.catalogue]),
    [
      ['demo-1', 'demo-1'],
      ['dearer', 'dearer'],
      ['dearer', 'dearer'],
    ],
  );
  t.is((await replayed(path)).text, text, 'byte for byte the same every time');
});

test('a catalogue that lies elsewhere, is missing or is damaged ends the replay with a code', async (t) => {
  const path = await recordedTrip(t);
  const original = await readFile(path, 'utf8');
  t.regex(original, /"message":\{"catalogue":"catalogue-1\.json"\}/);
  const kept = join(dirname(path), 'catalogue-1.json');
  await writeFile(path, original.replace('"catalogue-1.json"', '"../../catalogue-1.json"'));
  t.is((await replayed(path)).error?.code, 'CW-TRC-001');
  await writeFile(path, original);
  await writeFile(kept, '{"catalogue":');
  t.is((await replayed(path)).error?.code, 'CW-TRC-005');
  await rm(kept);
  const { error, events } = await replayed(path);
  t.is(error?.code, 'CW-TRC-005');
  t.true(events.length > 0, 'what came before it was replayed');
});

test('other messages of the store change nothing', async (t) => {
  const path = await recordedTrip(t);
  const original = await readFile(path, 'utf8');
  for (const message of ['{"offers":{}}', '"text"', 'null', '{"catalogue":5}']) {
    await writeFile(path, original.replace('{"catalogue":"catalogue-1.json"}', message));
    const { error, events } = await replayed(path);
    t.is(error, undefined, message);
    t.true(events.every(({ versions }) => versions.catalogue === 'demo-1'));
  }
});
