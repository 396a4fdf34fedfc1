import test from 'ava';
import type { Calibration } from '#config/board.ts';
import { loadBoard } from '#config/load.ts';
import { judgeHardware } from '#gateway/calibrated-hardware.ts';

const board = await loadBoard('cart-pi5');
const cells = ['cell-fl', 'cell-fr', 'cell-rl', 'cell-rr'];
const entry = { id: 'bridge', driver: 'firmata-hx711', options: { cells } };
const calibrated = (hardware: Calibration['hardware']): Calibration => ({
  calibration: 1,
  revision: 7,
  ...(hardware === undefined ? {} : { hardware }),
  plates: {},
});
const judged = (hardware: Calibration['hardware'], serial: string | undefined, gain = 128) =>
  judgeHardware(board, () => calibrated(hardware))(
    entry,
    { cells, gain },
    serial === undefined ? {} : { serial },
  );

test('on the bridge it was made on, a calibration is applied', (t) => {
  t.deepEqual(judged({ bridge: 'CW000042', gain: 128 }, 'CW000042'), []);
  t.deepEqual(judged({ bridge: { bridge: 'CW000042', 'bridge-2': 'CW000043' } }, 'CW000042'), []);
});

test('on another bridge, or one that does not say who it is, no cell is used and each says why', (t) => {
  const faults = judged({ bridge: 'CW000042' }, 'CW000043');
  t.deepEqual(
    faults.map(({ channel, fault, code }) => [channel, fault, code]),
    cells.map((cell) => [cell, 'configuration', 'CW-GWY-004']),
  );
  t.regex(
    faults[0]?.message ?? '',
    /revision|calibration 7 .*made on the bridge CW000042, attached is CW000043/,
  );
  t.is(judged({ bridge: 'CW000042' }, undefined).length, 4);
  t.is(judged({ bridge: { bridge: 'CW000042' } }, 'CW000043').length, 4);
});

test('with another gain no cell is used', (t) => {
  t.regex(judged({ gain: 128 }, 'CW000042', 64)[0]?.message ?? '', /made with gain 128, bridge uses 64/);
});

test('a calibration that names no hardware, and a device without cells, are left alone', (t) => {
  t.deepEqual(judged(undefined, 'CW000043'), []);
  t.deepEqual(judgeHardware(board, () => undefined)(entry, { cells }, {}), []);
  const scanner = { id: 'handle-scanner', driver: 'hid-pos-scanner', options: {} };
  t.deepEqual(judgeHardware(board, () => calibrated({ bridge: 'CW000042' }))(scanner, {}, {}), []);
});

test('a device that is a cell itself is held to the hardware too', (t) => {
  const cell = { id: 'cell-fl', driver: 'acme-cell', options: {} };
  const faults = judgeHardware(board, () => calibrated({ bridge: 'CW000042' }))(cell, {}, { serial: 'A7' });
  t.deepEqual(
    faults.map(({ channel }) => channel),
    ['cell-fl'],
  );
});
