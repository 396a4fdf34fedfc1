import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { Device } from '#drivers/driver.ts';
import type { LoadCellBridge } from '#drivers/load-cell/firmata-hx711/bridge.ts';
import { firmataHx711 } from '#drivers/load-cell/firmata-hx711/driver.ts';
import { noticeKinds } from '#drivers/load-cell/firmata-hx711/protocol.ts';
import type { Attached, Ports } from '#drivers/ports/ports.ts';
import { parseRaw } from '#drivers/ports/raw/format.ts';
import { playRaw } from '#drivers/ports/raw/play.ts';
import { recordPorts } from '#drivers/ports/raw/record.ts';
import { parseDriverOptions } from '#drivers/registry.ts';
import { passTime } from '#drivers/virtual/benches.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { BridgePeer, type BridgePeerOptions, type TrueSample } from '#drivers/virtual/peers/bridge.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { CellReading, Reading } from '#readings/readings.ts';

const four = ['a', 'b', 'c', 'd'];
const anyPort = { path: '/dev/serial/by-id/test' };
const second = 1_000_000;

interface Rig {
  readonly clock: VirtualClock;
  readonly peer: BridgePeer;
  readonly ports: PeerPorts;
  readonly truth: TrueSample[];
  readonly readings: CellReading[];
  readonly faults: DeviceFault[];
  open(options?: Record<string, unknown>, ports?: Ports): Promise<LoadCellBridge>;
  start(device: Device): Promise<void>;
  pass(us: number): Promise<void>;
  settle<T>(work: Promise<T>): Promise<T>;
}

function rig(options: Partial<BridgePeerOptions> = {}): Rig {
  const clock = new VirtualClock(50 * second);
  const truth: TrueSample[] = [];
  let count = 0;
  const peer = new BridgePeer({
    clock,
    serial: 'CW000042',
    counts: () => count++,
    onSample: (sample) => truth.push(sample),
    ...options,
  });
  const ports = new PeerPorts(clock, { bytes: peer });
  const readings: CellReading[] = [];
  const faults: DeviceFault[] = [];
  const pass = (us: number) => passTime(clock, us);
  const settle = async <T>(work: Promise<T>): Promise<T> => {
    let done = false;
    const mark = () => {
      done = true;
    };
    work.then(mark, mark);
    // Loading libraries takes real time, in which virtual time stands still.
    for (let turns = 0; !done && turns < 200 && ports.open === 0; turns++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    while (!done) await pass(10_000);
    return work;
  };
  return {
    clock,
    peer,
    ports,
    truth,
    readings,
    faults,
    pass,
    settle,
    async open(chosen = {}, through = ports) {
      const parsed = parseDriverOptions(firmataHx711, { port: anyPort, cells: four, ...chosen }, 'bridge');
      const opening = firmataHx711.open(parsed as never, {
        id: 'bridge',
        clock,
        log: silentLogger,
        buses: new Map(),
        ports: through,
      });
      const device = (await settle(opening)) as LoadCellBridge;
      device.faults.subscribe((fault) => faults.push(fault));
      return device;
    },
    start: (device) =>
      settle(
        device.start((reading) => {
          if (reading.kind === 'cell') readings.push(reading);
        }),
      ),
  };
}

const told = (faults: readonly DeviceFault[]) =>
  faults.map(
    ({ fault, code, channel, cleared }) =>
      `${channel ?? 'bridge'} ${fault} ${code}${cleared === true ? ' over' : ''}`,
  );

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

test('it says who it is, by the serial number that calibrations are bound to', async (t) => {
  const { open } = rig();
  const device = await open();
  t.like(device.identity, { vendor: 'Cartwright', serial: 'CW000042', firmware: '1.0.0' });
  await device.stop();
});

test('johnny-five sees a board that is ready, with pins A4 and A5 for I²C', async (t) => {
  const { open } = rig();
  const device = await open();
  t.true(device.board.isReady);
  const { io } = device.board as unknown as {
    io: { pins: { supportedModes: number[] }[]; firmware: unknown };
  };
  t.deepEqual(
    io.pins.flatMap(({ supportedModes }, pin) => (supportedModes.includes(6) ? [pin] : [])),
    [18, 19],
  );
  t.like(io.firmware, { name: 'CartwrightLoadCells' });
  await device.stop();
  t.throws(() => device.board, { code: 'CW-DRV-005' });
});

test('a component of johnny-five works beside the load cells', async (t) => {
  const chip = { transfer: (_write: Uint8Array, bytes: number) => new Uint8Array(bytes).fill(0x41) };
  const { open, start, pass, readings } = rig({ chips: new Map([[0x40, chip]]) });
  const device = await open();
  await start(device);
  const { board } = device;
  board.i2cConfig();
  const seen: number[][] = [];
  const { io } = board as unknown as {
    io: { i2cReadOnce(a: number, r: number, n: number, done: (data: number[]) => void): void };
  };
  io.i2cReadOnce(0x40, 1, 2, (data) => seen.push(data));
  await pass(second);
  t.deepEqual(seen, [[0x41, 0x41]]);
  t.true(readings.length > 200);
  await device.stop();
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

test('another firmware is named, and how to flash ours', async (t) => {
  const { open, ports } = rig({
    firmware: { name: 'StandardFirmata.ino', version: [2, 7, 0], protocol: undefined },
  });
  await t.throwsAsync(open(), {
    code: 'CW-DRV-016',
    message: /StandardFirmata\.ino 2\.7.*scripts\/flash-firmware/,
  });
  t.is(ports.open, 0);
});

test('another protocol version is refused', async (t) => {
  const { open } = rig({ firmware: { name: 'CartwrightLoadCells', version: [2, 0, 0], protocol: 2 } });
  await t.throwsAsync(open(), { code: 'CW-DRV-016', message: /protocol 2 .*scripts\/flash-firmware/ });
});

test('a board that says nothing is told after its boot loader had its time', async (t) => {
  const { open, peer, clock } = rig();
  peer.silent = true;
  const before = clock.nowUs();
  await t.throwsAsync(open(), { code: 'CW-DRV-016', message: /baudRate/ });
  t.true(clock.nowUs() - before >= 6 * second);
});

test('a board that is still in its boot loader is waited for', async (t) => {
  const { open, peer, clock } = rig();
  peer.silent = true;
  clock.after(1.8 * second, () => {
    peer.silent = false;
    peer.reset(2);
  });
  const device = await open();
  t.is(device.identity.serial, 'CW000042');
  t.is(device.counts.resets, 0, 'its own start is no reset');
  await device.stop();
});

test('a bridge with another serial number than the profile names is refused', async (t) => {
  const { open } = rig();
  await t.throwsAsync(open({ serial: 'CW000043' }), {
    code: 'CW-DRV-004',
    message: /CW000042, not CW000043/,
  });
});

test('calls: status, restart, a serial number', async (t) => {
  const { open, start, pass, settle, faults, readings } = rig();
  const device = await open();
  await start(device);
  await pass(2 * second);
  const status = (await settle(device.call('status', {}))) as {
    bridge: { rate: number };
    host: { frames: number };
  };
  t.is(status.bridge.rate, 80);
  t.true(status.host.frames > 100);
  t.deepEqual(await settle(device.call('set-serial', { serial: 'CW9' })), { serial: 'CW9' });
  t.is(device.identity.serial, 'CW9');
  const before = readings.length;
  await pass(second);
  t.true(readings.length - before > 200, 'it streams again');
  await settle(device.call('restart', {}));
  await pass(second);
  t.true(told(faults).includes('bridge missing CW-DRV-018'));
  await t.throwsAsync(device.call('set-serial', { serial: 'nine chars' }), { code: 'CW-DRV-020' });
  await t.throwsAsync(device.call('tare', {}), { code: 'CW-DRV-009' });
  await device.stop();
});

test('others reach chips through its I²C bus, one at a time, also while it streams', async (t) => {
  const registers = new Uint8Array(256);
  const chip = {
    transfer(write: Uint8Array, bytes: number) {
      const [register = 0, ...values] = write;
      registers.set(values, register);
      return registers.slice(register, register + bytes);
    },
  };
  const { open, start, pass, settle, ports } = rig({ chips: new Map([[0x68, chip]]) });
  const device = await open();
  await start(device);
  const port = await device.openI2c();
  await settle(port.transfer(0x68, Uint8Array.of(0x10, 200, 7, 255), 0));
  const all = await settle(
    Promise.all([0, 1, 2].map((offset) => port.transfer(0x68, Uint8Array.of(0x10 + offset), 1))),
  );
  t.deepEqual(
    all.map(({ data }) => [...data]),
    [[200], [7], [255]],
  );
  for (const write of [Uint8Array.of(1), Uint8Array.of(1, 2), new Uint8Array()]) {
    await t.throwsAsync(settle(port.transfer(0x29, write, write.length === 2 ? 0 : 2)), {
      code: 'CW-DRV-013',
    });
  }
  t.deepEqual([...(await settle(port.transfer(0x68, Uint8Array.of(0x11), 2))).data], [7, 255]);
  const lost: string[] = [];
  port.onLost(({ code }) => lost.push(code));
  await pass(second);
  ports.unplug();
  await pass(100_000);
  t.deepEqual(lost, ['CW-DRV-005']);
  await t.throwsAsync(port.transfer(0x68, Uint8Array.of(0), 1), { code: 'CW-DRV-005' });
  await device.stop();
});

test('without a port in the profile, the only one that looks like a bridge is taken', async (t) => {
  const { open, ports } = rig();
  const attached = (productId: string, topology: string): Attached => ({
    kind: 'serial',
    identity: { address: `/dev/serial/by-path/${topology}` },
    node: `/dev/ttyUSB${topology}`,
    vendorId: '1a86',
    productId,
    topology,
  });
  const requests: unknown[] = [];
  const withList = (list: readonly Attached[]): Ports => ({
    bytes: (request) => {
      requests.push(request);
      return ports.bytes(request);
    },
    list: async () => list,
    reports: (request) => ports.reports(request),
    i2c: (request) => ports.i2c(request),
    input: (request) => ports.input(request),
    attributes: (request) => ports.attributes(request),
    lines: (request) => ports.lines(request),
  });
  const other = attached('0000', '1-3');
  const device = await open({ port: undefined }, withList([other, attached('7523', '1-1')]));
  t.like(requests[0], { via: 'serial', match: { vendorId: '1a86', productId: '7523', topology: '1-1' } });
  await device.stop();
  await t.throwsAsync(
    open({ port: undefined }, withList([attached('7523', '1-1'), attached('7523', '1-2')])),
    {
      code: 'CW-DRV-014',
      message: /1-1.*1-2.*options\.port/,
    },
  );
  await t.throwsAsync(open({ port: undefined }, withList([other])), { code: 'CW-DRV-004' });
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

test('options that can not be meant are refused', (t) => {
  for (const options of [
    { cells: [] },
    { cells: ['-', null] },
    { cells: ['a', 'a'] },
    { cells: Array.from({ length: 9 }, (_, i) => `c${i}`) },
    { cells: ['a'], samplesPerSecond: 40 },
    { cells: ['a'], gain: 1 },
    { cells: ['a'], port: anyPort, bus: 'other' },
    { cells: ['a'], nonsense: 1 },
  ]) {
    t.throws(() => parseDriverOptions(firmataHx711, options, 'bridge'), { code: 'CW-DRV-002' });
  }
});

// The others' boards are in the same list.
test.serial('what was opened and stopped a hundred times leaves no board in johnny-five', async (t) => {
  const { open } = rig();
  for (let round = 0; round < 100; round++) await (await open()).stop();
  await setImmediate();
  const five = (await import('johnny-five')).default;
  t.is((five.Board as unknown as { cache: unknown[] }).cache.length, 0);
});
