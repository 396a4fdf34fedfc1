import test from 'ava';
import { silentLogger } from '#base/log.ts';
import { firmataHx711 } from '#drivers/load-cell/firmata-hx711/driver.ts';
import { noticeKinds } from '#drivers/load-cell/firmata-hx711/protocol.ts';
import { parseRaw } from '#drivers/ports/raw/format.ts';
import { playRaw } from '#drivers/ports/raw/play.ts';
import { recordPorts } from '#drivers/ports/raw/record.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading } from '#readings/readings.ts';
import { four, rig, second, told } from './firmata-rig.ts';

test('every sample arrives once, in order, with its own time', async (t) => {
  const { open, start, pass, truth, readings, faults } = rig({ driftPpm: 4000, bootStampUs: 4_290_000_000 });
  const device = await open();
  await start(device);
  await pass(20 * second);
  await device.stop();
  t.true(readings.length > 6_200);
  for (const [channel, cell] of four.entries()) {
    const own = readings.filter(({ source }) => source === cell);
    const sent = truth.filter((sample) => sample.channel === channel).slice(0, own.length);
    t.deepEqual(
      own.map(({ counts }) => counts),
      sent.map(({ counts }) => counts),
    );
    t.true(
      own.every(({ sequence }, index) => sequence === index),
      `${cell} has gaps`,
    );
  }
  const late = readings.filter(({ atUs }) => atUs > 60 * second);
  const errors = late.map(({ atUs, counts }) =>
    Math.abs(atUs - (truth.find((s) => s.counts === counts)?.atUs ?? 0)),
  );
  // The age's unit is 128 µs.
  t.true(Math.max(...errors) < 400, `${Math.max(...errors)} µs`);
  t.true(readings.every(({ atUs }, index) => index === 0 || atUs >= (readings[index - 1]?.atUs ?? 0)));
  t.deepEqual(faults, []);
});

test('channels without a cell are left out', async (t) => {
  const { open, start, pass, readings, peer } = rig();
  const device = await open({ cells: ['left', '-', null, 'right'], samplesPerSecond: 10, gain: 64 });
  await start(device);
  t.like(peer.streaming, { channels: 0b1001, rate: 10, gain: 64 });
  await pass(3 * second);
  t.deepEqual([...new Set(readings.map(({ source }) => source))].sort(), ['left', 'right']);
  await device.stop();
  t.is(peer.streaming, undefined);
});

test('a reset in the middle is told, and streaming is started again', async (t) => {
  const { open, start, pass, peer, faults, readings } = rig();
  const device = await open();
  await start(device);
  await pass(3 * second);
  const before = readings.length;
  peer.reset(8);
  await pass(second);
  t.deepEqual(told(faults), ['bridge missing CW-DRV-018', 'bridge missing CW-DRV-018 over']);
  t.regex(faults[0]?.message ?? '', /watchdog/);
  t.true(readings.length > before + 200);
  const own = readings.filter(({ source }) => source === 'a');
  const jumps = own.filter(({ sequence }, i) => i > 0 && sequence !== (own[i - 1]?.sequence ?? 0) + 1);
  t.is(jumps.length, 1, 'the samples that were not converted meanwhile are missing in the sequence');
  t.true(own.every(({ atUs }, index) => index === 0 || atUs > (own[index - 1]?.atUs ?? 0)));
  await device.stop();
});

test('a reset of which nothing is heard is found out within a second', async (t) => {
  const { open, start, pass, peer, faults, readings } = rig();
  const device = await open();
  await start(device);
  await pass(2 * second);
  peer.reset(1, false);
  await pass(1.5 * second);
  const before = readings.length;
  await pass(second);
  t.true(readings.length - before > 300);
  t.deepEqual(told(faults), [
    'bridge missing CW-DRV-008',
    'bridge missing CW-DRV-008 over',
    'bridge missing CW-DRV-018',
    'bridge missing CW-DRV-018 over',
  ]);
  t.is(peer.starts, 2);
  await device.stop();
});

test('a bridge that hangs is asked twice and then given up, once', async (t) => {
  const { open, start, pass, peer, faults, ports } = rig();
  const device = await open();
  await start(device);
  await pass(2 * second);
  peer.silent = true;
  await pass(5 * second);
  t.deepEqual(told(faults), ['bridge missing CW-DRV-008', 'bridge disconnected CW-DRV-005']);
  await device.stop();
  t.is(ports.open, 0);
});

test('lost frames are counted, told, and seen in the running numbers', async (t) => {
  const { open, start, pass, peer, faults, readings, truth } = rig();
  const device = await open();
  await start(device);
  await pass(2 * second);
  let lost = 0;
  peer.line.damage = (bytes) => {
    if (bytes[1] !== 8 || lost >= 7) return bytes;
    lost += 1;
    return undefined;
  };
  await pass(4 * second);
  t.deepEqual(told(faults), ['bridge integrity CW-DRV-017', 'bridge integrity CW-DRV-017 over']);
  t.like(device.counts, { framesLost: 7, damaged: 0 });
  for (const [channel, cell] of four.entries()) {
    const last = readings.findLast(({ source }) => source === cell);
    const own = truth.filter((sample) => sample.channel === channel);
    t.is(
      last?.sequence,
      own.findIndex(({ counts }) => counts === last?.counts),
      cell,
    );
  }
  await device.stop();
});

test('damaged frames are never readings', async (t) => {
  const { open, start, pass, peer, truth, readings, faults } = rig();
  const device = await open();
  await start(device);
  await pass(second);
  let frame = 0;
  peer.line.damage = (bytes) => {
    if (bytes[1] !== 8 || ++frame % 5 !== 0) return bytes;
    const at = 2 + (frame % (bytes.length - 3));
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (frame % 7));
    return bytes;
  };
  await pass(5 * second);
  const known = new Set(truth.map(({ counts }) => counts));
  t.true(readings.every(({ counts }) => known.has(counts)));
  t.true(device.counts.damaged > 50);
  t.deepEqual(told(faults), ['bridge integrity CW-DRV-017']);
  peer.line.damage = undefined;
  await pass(2 * second);
  t.is(told(faults).at(-1), 'bridge integrity CW-DRV-017 over');
  await device.stop();
});

test('faults of single cells carry the cell and end with what caused them', async (t) => {
  const { open, start, pass, peer, faults } = rig();
  const device = await open();
  await start(device);
  await pass(2 * second);
  peer.missing.add(1);
  peer.stuck.add(2);
  peer.notice(noticeKinds.rejected, 3, 4);
  await pass(2 * second);
  peer.missing.clear();
  peer.stuck.clear();
  await pass(2 * second);
  t.deepEqual(told(faults).sort(), [
    'b missing CW-DRV-008',
    'b missing CW-DRV-008 over',
    'c stuck CW-DRV-015',
    'c stuck CW-DRV-015 over',
    'd timing CW-DRV-017',
    'd timing CW-DRV-017 over',
  ]);
  await device.stop();
});

test('a converter that falls silent without a notice is missing all the same', async (t) => {
  const { open, start, pass, peer, faults } = rig();
  const device = await open();
  await start(device);
  await pass(2 * second);
  peer.line.damage = (bytes) => (bytes[1] === 0x0b ? undefined : bytes);
  peer.missing.add(0);
  await pass(second);
  t.deepEqual(told(faults), ['a missing CW-DRV-008']);
  peer.missing.clear();
  await pass(second);
  t.is(told(faults).at(-1), 'a missing CW-DRV-008 over');
  await device.stop();
});

test('converters at another rate than set are a matter of configuration', async (t) => {
  const { open, start, pass, faults, readings } = rig({ trueRate: 10 });
  const device = await open({ samplesPerSecond: 80 });
  await start(device);
  await pass(14 * second);
  t.true(told(faults).includes('bridge configuration CW-DRV-015'));
  t.regex(faults.find(({ fault }) => fault === 'configuration')?.message ?? '', /RATE/);
  const own = readings.filter(({ source }) => source === 'a').slice(-50);
  t.true(own.every(({ sequence }, i) => i === 0 || sequence === (own[i - 1]?.sequence ?? 0) + 1));
  await device.stop();
});

test('a recording of its bytes gives the same readings and faults again', async (t) => {
  const { open, start, pass, ports, clock, peer, readings, faults } = rig({ driftPpm: -3000 });
  const rows: string[] = [];
  const options = { cells: four, gain: 64 };
  const header = {
    raw: 1 as const,
    device: 'bridge',
    driver: 'firmata-hx711',
    options,
    originUs: clock.nowUs(),
  };
  const recorded = recordPorts(header, clock, (row) => rows.push(row))(ports);
  const device = await open({ ...options, port: undefined }, recorded);
  await start(device);
  await pass(4 * second);
  peer.reset(2);
  peer.missing.add(2);
  await pass(3 * second);
  ports.unplug();
  await pass(100_000);
  await device.stop();
  t.true(readings.length > 1_500);
  const again = { readings: [] as Reading[], faults: [] as DeviceFault[] };
  await playRaw(
    parseRaw(rows.join('\n'), 'bridge'),
    firmataHx711,
    { reading: (reading) => again.readings.push(reading), fault: (fault) => again.faults.push(fault) },
    silentLogger,
  );
  t.deepEqual(again.readings, readings);
  t.deepEqual(told(again.faults), told(faults));
});

// The others' boards are in the same list.
