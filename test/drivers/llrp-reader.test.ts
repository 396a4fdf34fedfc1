import test, { type ExecutionContext } from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { Device } from '#drivers/driver.ts';
import { parseDriverOptions } from '#drivers/registry.ts';
import { llrpReader } from '#drivers/tag-reader/llrp/llrp-reader.ts';
import { passTime } from '#drivers/virtual/benches.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { LlrpReaderPeer } from '#drivers/virtual/peers/llrp-reader.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading } from '#readings/readings.ts';

class Rig {
  readonly clock = new VirtualClock(1_000_000);
  readonly peer = new LlrpReaderPeer(this.clock);
  readonly ports = new PeerPorts(this.clock, { bytes: this.peer });
  readonly readings: Reading[] = [];
  readonly faults: DeviceFault[] = [];

  async settled<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const mark = () => {
      done = true;
    };
    work.then(mark, mark);
    while (!done) await passTime(this.clock, 10_000);
    return work;
  }

  open(options: object = {}): Promise<Device> {
    const parsed = parseDriverOptions(llrpReader, { host: '192.0.2.9', ...options }, 'gate');
    const context = { id: 'gate', clock: this.clock, log: silentLogger, buses: new Map(), ports: this.ports };
    return this.settled(llrpReader.open(parsed as never, context));
  }

  async running(options: object = {}): Promise<Device> {
    const device = await this.open(options);
    device.faults.subscribe((fault) => this.faults.push(fault));
    await this.settled(device.start((reading) => this.readings.push(reading)));
    return device;
  }

  put(number: number, antenna = 1, rssiDbm = -50): void {
    this.peer.tags.set(`${number}`, {
      epc: Uint8Array.of(0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number),
      antenna,
      rssiDbm,
    });
  }

  get seen(): (number | undefined)[] {
    return this.readings.map((reading) => (reading.kind === 'tag' ? reading.epc.at(-1) : undefined));
  }
}

async function end(t: ExecutionContext, rig: Rig, device: Device): Promise<void> {
  await rig.settled(device.stop());
  t.is(rig.ports.open, 0);
  t.is(rig.clock.nextDueUs, undefined);
}

test('each tag is told once while it stays, and again when it was gone', async (t) => {
  const rig = new Rig();
  const device = await rig.running({ goneMs: 1000 });
  rig.put(1);
  rig.put(2);
  await passTime(rig.clock, 2_000_000);
  t.deepEqual(rig.seen, [1, 2]);
  rig.peer.tags.delete('1');
  await passTime(rig.clock, 1_500_000);
  rig.put(1);
  await passTime(rig.clock, 500_000);
  t.deepEqual(rig.seen, [1, 2, 1]);
  await end(t, rig, device);
});

test('a tag that stays is told again, each now and then and no oftener', async (t) => {
  const rig = new Rig();
  const device = await rig.running({ repeatMs: 5_000 });
  for (let number = 1; number <= 20; number++) rig.put(number);
  await passTime(rig.clock, 4_500_000);
  t.is(rig.seen.length, 20, 'a reader sees each several times a second');
  await passTime(rig.clock, 20_000_000);
  t.is(rig.seen.length, 100);
  for (let number = 1; number <= 20; number++) t.is(rig.seen.filter((seen) => seen === number).length, 5);
  await end(t, rig, device);
});

test('a reader says who it is, and is left as it was found', async (t) => {
  const rig = new Rig();
  const device = await rig.running();
  t.like(device.identity, { address: 'simulated:5084', firmware: '1.0.0', serial: '00005efffe005301' });
  t.is(rig.peer.specs.size, 1);
  await end(t, rig, device);
  t.is(rig.peer.specs.size, 0);
});

test("tags of other antennas and the neighbour's weak ones are ignored", async (t) => {
  const rig = new Rig();
  const device = await rig.running({ antennas: [1, 2], minimumRssiDbm: -60 });
  rig.put(1, 1, -59);
  rig.put(2, 2, -61);
  rig.put(3, 3, -20);
  await passTime(rig.clock, 500_000);
  t.deepEqual(rig.seen, [1]);
  await end(t, rig, device);
});

test('what an earlier connection left on the reader is replaced', async (t) => {
  const rig = new Rig();
  const first = await rig.running();
  rig.ports.unplug();
  await rig.settled(first.stop());
  t.is(rig.peer.specs.size, 1, 'a lost connection leaves its inventory behind');
  rig.ports.replug();
  const second = await rig.running();
  rig.put(5);
  await passTime(rig.clock, 200_000);
  t.deepEqual(rig.seen, [5]);
  await end(t, rig, second);
});

test('a reader that somebody else holds, or that never greets, is refused with its code', async (t) => {
  const held = new Rig();
  held.peer.occupied = true;
  await t.throwsAsync(held.open(), { code: 'CW-DRV-003', message: /held by another client/ });
  t.is(held.ports.open, 0);
  const silent = new Rig();
  silent.peer.hung = true;
  await t.throwsAsync(silent.open(), { code: 'CW-DRV-008', message: /does not greet; is LLRP switched on/ });
  t.is(silent.ports.open, 0);
});

test('keepalives are answered; a reader that falls silent is lost after three of them', async (t) => {
  const rig = new Rig();
  const device = await rig.running({ keepaliveMs: 500 });
  await passTime(rig.clock, 5_000_000);
  t.true(rig.peer.acknowledged >= 9, `${rig.peer.acknowledged}`);
  t.deepEqual(rig.faults, []);
  rig.peer.hung = true;
  await passTime(rig.clock, 2_000_000);
  t.deepEqual(
    rig.faults.map(({ fault, code }) => [fault, code]),
    [['disconnected', 'CW-DRV-005']],
  );
  await end(t, rig, device);
});

test('a reader that closes, or sends what is no LLRP, is lost once', async (t) => {
  for (const ending of [
    (peer: LlrpReaderPeer) => peer.announceClosing(),
    (peer: LlrpReaderPeer) => peer.babble(Uint8Array.of(0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0)),
  ]) {
    const rig = new Rig();
    const device = await rig.running();
    ending(rig.peer);
    await passTime(rig.clock, 1_000_000);
    t.is(rig.faults.length, 1);
    t.is(rig.faults[0]?.fault, 'disconnected');
    await end(t, rig, device);
  }
});

test('sightings that the reader lost are told, and that it keeps up again', async (t) => {
  const rig = new Rig();
  const device = await rig.running();
  rig.peer.overflow();
  await passTime(rig.clock, 100_000);
  t.like(rig.faults[0], { fault: 'integrity', code: 'CW-DRV-017' });
  await passTime(rig.clock, 6_000_000);
  t.like(rig.faults[1], { fault: 'integrity', cleared: true });
  await end(t, rig, device);
});
