import test from 'ava';
import { boardSchema, type Calibration } from '#config/board.ts';
import type { CartEvent } from '#events/event.ts';
import { makePipeline, token } from './support.ts';

const board = boardSchema.parse({
  profile: 1,
  name: 'bench',
  devices: [{ id: 'bridge', driver: 'any', options: { cells: ['cell'] } }],
  plates: [
    {
      id: 'basket',
      kind: 'cart',
      maxMg: 9_000_000,
      intervalMg: 5_000,
      cells: [{ id: 'cell', positionMm: [0, 0], capacityMg: 20_000_000 }],
    },
  ],
});
const calibration = (revision: number, milligramsPerCount: number): Calibration => ({
  calibration: 1,
  revision,
  plates: { basket: { cells: { cell: { zeroCounts: 0, milligramsPerCount } } } },
});

/** A cart with 1,000,000 counts on its cell, under a calibration that doubles after 3 s. */
function recalibrated(inSession: boolean): CartEvent[] {
  const events: CartEvent[] = [];
  const pipeline = makePipeline((event) => events.push(event), { board, calibration: calibration(7, 2) });
  let n = 0;
  const weigh = (fromS: number, untilS: number) => {
    for (let atUs = fromS * 1e6; atUs < untilS * 1e6; atUs += 12_500) {
      pipeline.cell('cell', atUs, 1_000_000 + ((n * 7) % 9), n++);
    }
  };
  weigh(0, 2);
  if (inSession) pipeline.accept({ kind: 'command', atUs: 2e6, command: 'session.begin', args: { token } });
  weigh(2, 3);
  pipeline.accept({ kind: 'calibration', atUs: 3e6, calibration: calibration(8, 4) });
  weigh(3, 20);
  const { grossMg = 0 } = pipeline.weigher.status('basket');
  events.push(
    pipeline.append({ type: 'command.done', data: { command: 'x', transaction: String(grossMg) } }),
  );
  return events;
}

test('what is decided after a calibration came into force bears its revision, and no item comes of the jump', (t) => {
  const events = recalibrated(false);
  const last = events.at(-1);
  t.is(last?.versions.calibration, 8);
  t.true(last?.type === 'command.done' && Math.abs(Number(last.data.transaction) - 4_000_000) < 500);
  t.deepEqual(
    events.filter(({ type }) => !type.startsWith('command.')),
    [],
  );
});

test('a session that began in the very moment of a commit is told of it', (t) => {
  const told = recalibrated(true).filter(
    ({ type }) => type.startsWith('device.') || type.startsWith('item.'),
  );
  t.deepEqual(
    told.map(({ type, data }) => [type, 'code' in data ? data.code : undefined]),
    [
      ['device.fault', 'CW-PIP-013'],
      ['device.recovered', undefined],
    ],
  );
});
