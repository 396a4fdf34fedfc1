import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { silentLogger } from '#base/log.ts';
import { firmataHx711 } from '#drivers/load-cell/firmata-hx711/driver.ts';
import type { Attached, Ports } from '#drivers/ports/ports.ts';
import { createSystemPorts, parseDriverOptions } from '#drivers/registry.ts';
import { KernelTree } from '#test/support/kernel-tree.ts';
import { anyPort, rig, second, told } from './firmata-rig.ts';

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
    video: (request) => ports.video(request),
    program: (request) => ports.program(request),
    pictures: (request) => ports.pictures(request),
  });
  const other = attached('0000', '1-3');
  const device = await open({ port: undefined }, withList([other, attached('7523', '1-1')]));
  t.like(requests[0], { via: 'serial', match: { vendorId: '1a86', productId: '7523', topology: '1-1' } });
  await device.stop();
  await t.throwsAsync(
    open({ port: undefined }, withList([attached('7523', '1-1'), attached('7523', '1-2')])),
    {
      code: 'CW-DRV-014',
      message: /port: \{ topology: "1-1" \} .*port: \{ topology: "1-2" \} .*options\.port/,
    },
  );
  await t.throwsAsync(open({ port: undefined }, withList([other])), { code: 'CW-DRV-004' });
});

test('of two bridges on a machine none is taken; both are named as the profile would', async (t) => {
  const kernel = await KernelTree.make();
  t.teardown(() => kernel.remove());
  await kernel.serial('ttyUSB0', {
    port: '1-1.1',
    vendorId: '1a86',
    productId: '7523',
    product: 'USB Serial',
  });
  await kernel.file('dev/ttyUSB0');
  await kernel.serial('ttyACM0', { port: '1-1.2', vendorId: '2341', productId: '0043', serial: '75830333' });
  await kernel.file('dev/ttyACM0');
  const { open, clock } = rig();
  const opened: string[] = [];
  const ports = createSystemPorts({
    clock,
    log: silentLogger,
    buses: new Map(),
    root: kernel.root,
    beforeOpen: async ({ node }) => {
      opened.push(node);
    },
  });
  await t.throwsAsync(open({ port: undefined }, ports), {
    code: 'CW-DRV-014',
    message:
      /^2 serial ports .*\{ serial: "75830333" \} \(.*ttyACM0, .*\{ topology: "1-1\.1[^"]*" \} \(.*ttyUSB0/,
  });
  t.deepEqual(opened, []);
  await kernel.serial('ttyACM1', { port: '1-1.3', vendorId: '2341', productId: '0043', serial: '75830333' });
  await kernel.file('dev/ttyACM1');
  await t.throwsAsync(open({ port: undefined }, ports), {
    message: /^3 serial ports .*"1-1\.2[^"]*" \} \(.*ttyACM0, .*"1-1\.3[^"]*" \} \(.*ttyACM1/,
  });
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

test.serial('what was opened and stopped a hundred times leaves no board in johnny-five', async (t) => {
  const { open } = rig();
  for (let round = 0; round < 100; round++) await (await open()).stop();
  await setImmediate();
  const five = (await import('johnny-five')).default;
  t.is((five.Board as unknown as { cache: unknown[] }).cache.length, 0);
});
