import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test from 'ava';
import { stringify } from 'yaml';
import { replayTrace } from '#cli/replay.ts';
import { type Simulated, simulate } from '#cli/simulate.ts';
import type { CartEvent } from '#events/event.ts';
import { toJsonLine } from '#events/json.ts';
import type { TraceError } from '#traces/errors.ts';

const folder = await mkdtemp(join(tmpdir(), 'cartwright-pictures-'));
test.after.always(() => rm(folder, { recursive: true, force: true }));
const out = join(folder, 'trace');

async function replayed(
  again: boolean,
): Promise<{ lines: string[]; events: CartEvent[]; told: TraceError[] }> {
  const events: CartEvent[] = [];
  const told: TraceError[] = [];
  const eyes = again ? { tell: (error: TraceError) => told.push(error) } : undefined;
  await replayTrace(out, {}, (event) => events.push(event), { eyes });
  return { lines: events.map(toJsonLine), events, told };
}

let simulated: Simulated;
test.serial.before(async () => {
  const scenario = {
    scenario: 1,
    name: 'seen',
    title: 'Bananas are put in, and nobody scans them.',
    board: 'demo-cart',
    catalogue: resolve('config/catalogues/demo.json'),
    seed: 7,
    steps: [
      { command: { name: 'session.begin', args: { token: 'QR-SCEN-0001' } }, after: 0.5 },
      { put: { plu: '4011', massMg: 938_600, how: 'lower', at: [-10, -200] }, after: 2 },
      { scan: { gtin: '08001250120076' }, after: 2 },
      { put: { gtin: '08001250120076', at: [40, 200] } },
    ],
  };
  const path = join(folder, 'seen.yaml');
  await writeFile(path, stringify(scenario));
  simulated = await simulate(path, out, undefined, true);
});

const added = (events: readonly CartEvent[]) =>
  events.flatMap((event) =>
    event.type === 'item.added' ? [`${event.data.name} by ${event.data.entry}`] : [],
  );

test.serial(
  'a simulated trip with pictures has frames beside it, and what the shipped model saw on them',
  async (t) => {
    const lines = (await readFile(simulated.trace, 'utf8')).trim().split('\n');
    const frames = lines.filter((line) => line.includes('"frame":"frames/'));
    t.is(frames.length, simulated.pictures ?? 0);
    t.is((await readdir(join(out, 'frames'))).length, simulated.pictures ?? 0);
    t.true(frames.length > 10 && frames.length < 80, `${frames.length} frames: around what is moved only`);
    t.is(lines.filter((line) => line.includes('"sighting":')).length, 2, 'one look for each movement');
    const { events } = await replayed(false);
    t.deepEqual(added(events), ['Bananas by look', 'De Cecco Linguine n° 7, 500 g by scan']);
    t.false(
      events.some(({ type }) => type === 'item.unresolved'),
      'nobody is asked',
    );
  },
);

test.serial('looking at the frames anew gives what was seen before', async (t) => {
  const again = await replayed(true);
  t.deepEqual(again.told, []);
  t.deepEqual(added(again.events), ['Bananas by look', 'De Cecco Linguine n° 7, 500 g by scan']);
  t.deepEqual(again.lines, (await replayed(false)).lines, 'on the same processor');
});

test.serial(
  'frames that are missing, damaged or elsewhere are told with their code, and the others are looked at',
  async (t) => {
    const names = (await readdir(join(out, 'frames'))).sort();
    const [first = '', second = '', third = ''] = names;
    await rm(join(out, 'frames', first));
    await truncate(join(out, 'frames', second), 300);
    await writeFile(join(out, 'frames', third), 'no picture');
    const text = await readFile(simulated.trace, 'utf8');
    const fourth = `frames/${names[3] ?? ''}`;
    await writeFile(simulated.trace, text.replace(fourth, '../../../etc/hostname'));
    const { told, events } = await replayed(true);
    t.deepEqual(
      told.map(({ code }) => code),
      Array.from({ length: 4 }, () => 'CW-TRC-010'),
    );
    t.regex(told[3]?.message ?? '', /etc\/hostname/);
    t.deepEqual(added(events), ['Bananas by look', 'De Cecco Linguine n° 7, 500 g by scan']);
  },
);

test.serial('without its frames a trace is looked at in vain: the shopper is asked', async (t) => {
  await rm(join(out, 'frames'), { recursive: true });
  const { told, events } = await replayed(true);
  t.is(told.length, simulated.pictures ?? 0);
  t.deepEqual(added(events), ['De Cecco Linguine n° 7, 500 g by scan']);
  t.true(events.some(({ type }) => type === 'item.unresolved'));
});
