import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadCatalogue } from '#catalogue/load.ts';
import type { Calibration } from '#config/board.ts';
import { loadBoard } from '#config/load.ts';
import { toJsonLine } from '#events/json.ts';
import { simulatedCalibration } from '#simulation/hardware.ts';
import { playScenario } from '#simulation/play.ts';
import { loadScenario } from '#simulation/scenario.ts';
import { TraceError } from '#traces/errors.ts';
import { createTrace } from '#traces/folder.ts';
import { openTrace } from '#traces/reader.ts';
import { type ReplayResult, replay } from '#traces/replay.ts';
import { loadReplaySetup, type ReplayFiles } from '#traces/setup.ts';
import { temporaryFolder } from './support.ts';

/** A short trip of the virtual cart, recorded into a folder of its own. */
async function recordedTrip(t: ExecutionContext): Promise<string> {
  const scenario = await loadScenario('config/scenarios/scan-then-place.yaml');
  const board = await loadBoard(scenario.board);
  const catalogue = await loadCatalogue(scenario.catalogue);
  const writer = await createTrace(await temporaryFolder(t), {
    device: 'cart-1',
    board,
    calibration: simulatedCalibration(board),
    catalogue: scenario.catalogue,
    extra: { started: '2026-11-22T10:00:00Z' },
  });
  for (const item of playScenario({ scenario, board, catalogue })) {
    if (item.kind === 'input') writer.recorder.input(item.input);
    else if (item.kind === 'truth') writer.recorder.truth(item.truth, item.atUs);
    else writer.recorder.end(item.atUs);
  }
  await writer.close();
  return writer.path;
}

test('a calibration that came into force in the middle of a recording does so again in its replay', async (t) => {
  const path = await recordedTrip(t);
  const before = await replayed(path);
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  const revised = JSON.parse(await readFile(join(path, '../calibration.json'), 'utf8')) as Calibration;
  const cells = Object.values(revised.plates).flatMap((plate) => Object.values(plate.cells));
  for (const cell of cells) cell.milligramsPerCount *= 2;
  const half = Math.floor(lines.length / 2);
  const { t: at } = JSON.parse(lines[half] ?? '') as { t: number };
  const line = JSON.stringify({ t: at, calibration: { ...revised, revision: revised.revision + 1 } });
  await writeFile(path, `${lines.toSpliced(half + 1, 0, line).join('\n')}\n`);
  const after = await replayed(path, nowhereAndNever);
  t.is(after.text, (await replayed(path)).text);
  t.not(after.text, before.text);
  const revisions = (text: string) =>
    new Set([...text.matchAll(/"calibration":(\d+)/g)].map((match) => Number(match[1])));
  t.deepEqual([...revisions(before.text)], [revised.revision]);
  t.true(revisions(after.text).has(revised.revision + 1));
  await writeFile(path, `${lines.toSpliced(half + 1, 0, `{"t":${at},"calibration":7}`).join('\n')}\n`);
  t.is(codeOf((await replayed(path)).result.error), 'CW-TRC-002');
});

type Surroundings = <T>(work: () => Promise<T>) => Promise<T>;

async function replayed(
  path: string,
  within: Surroundings = (work) => work(),
  files: ReplayFiles = {},
): Promise<{ text: string; result: ReplayResult }> {
  const reader = await openTrace(path);
  const setup = await loadReplaySetup(path, reader.header, files);
  const lines: string[] = [];
  const result = await within(() => replay(reader, setup, (event) => lines.push(toJsonLine(event))));
  return { text: lines.join('\n'), result };
}

const codeOf = (error: unknown) => (error instanceof TraceError ? error.code : error);

/** Everything by which a program can learn where or when it runs; while `work` runs, each of these throws. */
async function nowhereAndNever<T>(work: () => Promise<T>): Promise<T> {
  const local = Object.getOwnPropertyNames(Date.prototype).filter(
    (name) => /^(get|to(Locale|Date|Time|String))/.test(name) && !/UTC|getTime$/.test(name),
  );
  const ambient: [object, string][] = [
    ...local.map((name): [object, string] => [Date.prototype, name]),
    [Date, 'now'],
    [Math, 'random'],
    [performance, 'now'],
  ];
  const before = ambient.map(([owner, name]) => Reflect.get(owner, name));
  for (const [owner, name] of ambient) {
    Reflect.set(owner, name, () => {
      throw new Error(`${name} was called`);
    });
  }
  try {
    return await work();
  } finally {
    for (const [index, [owner, name]] of ambient.entries()) Reflect.set(owner, name, before[index]);
  }
}

test.serial('A trace folder replays to the same bytes, wherever and whenever', async (t) => {
  const path = await recordedTrip(t);
  const first = await replayed(path);
  const second = await replayed(path, nowhereAndNever);
  t.is(second.text, first.text);
  t.is(first.result.error, undefined);
  t.true(first.result.truths.length > 0);
  t.regex(first.text, /"item\.added"/);
});

test.serial('A cut trace is replayed up to the cut, and no further', async (t) => {
  const path = await recordedTrip(t);
  const whole = await replayed(path);
  const content = await readFile(path, 'utf8');
  const cut = content.indexOf('\n', Math.floor(content.length * 0.9)) + 12;
  await writeFile(path, content.slice(0, cut));
  const part = await replayed(path);
  t.is(codeOf(part.result.error), 'CW-TRC-004');
  t.true(part.result.cellSamples > whole.result.cellSamples / 2);
  t.true(part.result.cellSamples < whole.result.cellSamples);
});

test('What a trace needs and does not have is named', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'trace.ndjson');
  const setupOf = async (header: object, files: ReplayFiles = {}) => {
    await writeFile(path, `${JSON.stringify({ trace: 1, device: 'd', ...header })}\n`);
    return loadReplaySetup(path, (await openTrace(path)).header, files);
  };
  t.is(codeOf(await t.throwsAsync(setupOf({ board: 'demo-cart' }))), 'CW-TRC-005');
  const catalogue = join(process.cwd(), 'config/catalogues/demo.json');
  await writeFile(join(folder, 'config.yaml'), 'weighing: [');
  const broken = setupOf({ board: 'demo-cart', config: 'config.yaml' }, { catalogue });
  t.is(codeOf(await t.throwsAsync(broken)), 'CW-TRC-005');
  await writeFile(join(folder, 'config.yaml'), 'fusion: { decidePpm: much }');
  const wrong = setupOf({ board: 'demo-cart', config: 'config.yaml' }, { catalogue });
  t.is(codeOf(await t.throwsAsync(wrong)), 'CW-TRC-005');
});

test('A header whose state is none is refused with a code', async (t) => {
  const path = join(await temporaryFolder(t), 'trace.ndjson');
  const catalogue = join(process.cwd(), 'config/catalogues/demo.json');
  for (const basket of [{}, { version: 1, open: {} }, []]) {
    const state = { atUs: 0, weighing: {}, fusion: { fusion: 1 }, basket };
    const header = { trace: 1, device: 'd', board: 'demo-cart', state };
    await writeFile(path, `${JSON.stringify(header)}\n`);
    const error = await t.throwsAsync(replayed(path, undefined, { catalogue }));
    t.is(codeOf(error), 'CW-TRC-001');
    t.true(error.message.includes(path), error.message);
  }
});

test('A header names files of its own folder only; the command line any', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'trace.ndjson');
  const catalogue = join(process.cwd(), 'config/catalogues/demo.json');
  const secret = join(await temporaryFolder(t), 'secret.yaml');
  await writeFile(secret, 'weighing: { sesame: 1 }');
  await copyFile(catalogue, join(folder, '..catalogue.json'));
  const setupOf = async (header: object, files: ReplayFiles = {}) => {
    const whole = { trace: 1, device: 'd', board: 'demo-cart', catalogue: '..catalogue.json', ...header };
    await writeFile(path, `${JSON.stringify(whole)}\n`);
    return loadReplaySetup(path, (await openTrace(path)).header, files);
  };
  for (const key of ['board', 'calibration', 'catalogue', 'planogram', 'config'] as const) {
    for (const name of [secret, relative(folder, secret), `sub/../${relative(folder, secret)}`, '..', '']) {
      const error = await t.throwsAsync(setupOf({ [key]: name }), undefined, `${key} ${name}`);
      t.is(codeOf(error), 'CW-TRC-001', `${key} ${name}`);
      t.true(error.message.includes(path) && error.message.includes(key), error.message);
      t.notRegex(error.message, /sesame/);
    }
  }
  await t.notThrowsAsync(setupOf({}));
  await t.notThrowsAsync(setupOf({ catalogue: './sub/../..catalogue.json' }));
  await t.notThrowsAsync(setupOf({ catalogue: secret }, { catalogue }));
});
