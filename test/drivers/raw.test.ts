import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { type Device, type Driver, driverContract } from '#drivers/driver.ts';
import { DriverError } from '#drivers/errors.ts';
import { FaultBus } from '#drivers/fault-bus.ts';
import { parseRaw, type RawHeader } from '#drivers/ports/raw/format.ts';
import { playRaw } from '#drivers/ports/raw/play.ts';
import { recordPorts } from '#drivers/ports/raw/record.ts';
import { ReplayPorts } from '#drivers/ports/raw/replay.ts';
import { type BytePeer, type I2cPeer, PeerPorts, type PeerWire } from '#drivers/virtual/peer-ports.ts';
import type { Reading } from '#readings/readings.ts';

const header: RawHeader = { raw: 1, device: 'thing', driver: 'asking', options: {}, originUs: 5_000_000 };
const anyOptions = { safeParse: (data: unknown) => ({ success: true as const, data }) };

/** Asks a chip every 100 ms and a line for nothing; both deliver readings. */
const askingDriver: Driver = {
  contract: driverContract,
  name: 'asking',
  kind: 'temperature',
  options: anyOptions,
  async open(_options, { id, clock, ports }) {
    const line = await ports.bytes({ via: 'tcp', host: 'there', port: 1 });
    const chip = await ports.i2c({ via: 'linux', adapter: 1 });
    const faults = new FaultBus(() => {});
    let cancel = () => {};
    const device: Device = {
      identity: line.identity,
      faults,
      async start(sink) {
        line.listen({
          data: (bytes, atUs) => sink({ kind: 'temperature', source: id, atUs, milliCelsius: bytes[0] ?? 0 }),
          lost: ({ code, message }) => faults.emit({ fault: 'disconnected', code, message }),
        });
        const ask = () => {
          cancel = clock.after(100_000, async () => {
            try {
              const { data, atUs } = await chip.transfer(0x2a, Uint8Array.of(0x12), 2);
              sink({ kind: 'temperature', source: `${id}-chip`, atUs, milliCelsius: data[0] ?? 0 });
            } catch (error) {
              const { code, message } = error as DriverError;
              faults.emit({ fault: 'missing', code, message });
            }
            ask();
          });
        };
        ask();
      },
      async stop() {
        cancel();
        await line.close();
        await chip.close();
      },
    };
    return device;
  },
};

class Line implements BytePeer {
  readonly identity = { model: 'line', serial: '7' };
  wire: PeerWire<Uint8Array> | undefined;
  opened(wire: PeerWire<Uint8Array>): void {
    this.wire = wire;
  }
  received(): void {}
  closed(): void {
    this.wire = undefined;
  }
}

interface Seen {
  readonly readings: Reading[];
  readonly faults: string[];
}

/** A device's life of a few virtual seconds, with an unplug and a chip that stops answering; what it delivered, and its recording. */
async function record(bytes: readonly number[]): Promise<Seen & { readonly text: string }> {
  const clock = new VirtualClock(5_000_000);
  const line = new Line();
  let answers = 0;
  const chip: I2cPeer = {
    transfer: () => {
      answers += 1;
      if (answers === 4) throw new Error('asleep');
      return Uint8Array.of(answers, 0);
    },
  };
  const peers = new PeerPorts(clock, { bytes: line, i2c: new Map([[0x2a, chip]]) });
  const rows: string[] = [];
  const ports = recordPorts(header, clock, (row) => rows.push(row))(peers);
  const seen: Seen = { readings: [], faults: [] };
  const context = { id: 'thing', clock, log: silentLogger, buses: new Map(), ports };
  const pass = async (us: number) => {
    for (let step = 0; step < us; step += 10_000) {
      clock.advance(10_000);
      await setImmediate();
    }
  };
  const open = async () => {
    const device = await askingDriver.open({}, context);
    device.faults.subscribe(({ code }) => seen.faults.push(code));
    await device.start((reading) => seen.readings.push(reading));
    return device;
  };
  const first = await open();
  for (const value of bytes) {
    line.wire?.send(Uint8Array.of(value));
    await pass(70_000);
  }
  peers.unplug();
  await first.stop();
  await askingDriver.open({}, context).catch((error: DriverError) => seen.faults.push(error.code));
  await pass(1_000_000);
  peers.replug();
  const second = await open();
  await pass(300_000);
  line.wire?.send(Uint8Array.of(99));
  await pass(50_000);
  await second.stop();
  return { ...seen, text: `${rows.join('\n')}\n` };
}

/** Ports are independent: of what came at one and the same microsecond on two of them, either may be first. */
function ordered(readings: readonly Reading[]): readonly Reading[] {
  return readings.toSorted((a, b) => a.atUs - b.atUs || a.source.localeCompare(b.source));
}

async function play(text: string, driver = askingDriver): Promise<Seen> {
  const seen: Seen = { readings: [], faults: [] };
  const listener = {
    reading: (reading: Reading) => seen.readings.push(reading),
    fault: ({ code }: { code: string }) => seen.faults.push(code),
  };
  await playRaw(parseRaw(text, 'thing'), driver, listener, silentLogger);
  return seen;
}

test('a driver on a recording delivers what it delivered then, at the times of then', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(255), { minLength: 1, maxLength: 12 }), async (bytes) => {
      const { readings, faults, text } = await record(bytes);
      const again = await play(text);
      t.deepEqual(ordered(again.readings), ordered(readings));
      t.deepEqual(again.faults, faults);
    }),
    { seed: 20261123, numRuns: 15 },
  );
  const { readings, faults } = await record([1, 2, 3, 4, 5, 6, 7]);
  t.true(readings.some(({ source }) => source === 'thing-chip'));
  t.deepEqual(faults, ['CW-DRV-013', 'CW-DRV-005', 'CW-DRV-004']);
});

test('a recording that was cut off replays up to its last whole line', async (t) => {
  const { text, readings } = await record([1, 2, 3]);
  const cut = text.slice(0, text.indexOf('"in":"03"') + 5);
  const seen = await play(cut);
  const before = readings.findIndex(({ source, atUs }) => source === 'thing' && atUs === 5_140_000);
  t.true(before > 0);
  t.deepEqual(ordered(seen.readings), ordered(readings.slice(0, before)));
});

test('damage in the middle of a recording is named with its line', async (t) => {
  const { text } = await record([1]);
  const rows = text.split('\n');
  rows[3] = '{"t":1,"po';
  await t.throwsAsync(() => play(rows.join('\n')), { message: /thing, line 4: not JSON/ });
  rows[3] = '{"t":-1,"port":1}';
  await t.throwsAsync(() => play(rows.join('\n')), { message: /thing, line 4: damaged/ });
  await t.throwsAsync(() => play('{"trace":1}\n'), { message: /not a raw recording of version 1/ });
});

test('lines of a later version are skipped', async (t) => {
  const { text, readings } = await record([1, 2]);
  const rows = text.split('\n');
  rows.splice(4, 0, JSON.stringify({ t: 0, port: 1, smell: 'burnt' }));
  const seen = await play(rows.join('\n'));
  t.deepEqual(ordered(seen.readings), ordered(readings));
});

test('the loss at the end of a long recording of questions is told, however many came before it', async (t) => {
  const asked = Array.from({ length: 50_000 }, (_, index) => ({
    t: index * 1_000,
    port: 1,
    ask: 'i2c 2a 00 1',
    answer: '00',
  }));
  const lostUs = 50_000_000;
  const lines = [
    { t: 0, port: 1, open: 'i2c' as const, request: {}, identity: {} },
    ...asked,
    { t: lostUs, port: 1, lost: { code: 'CW-DRV-005', message: 'CW-DRV-005 it is gone' } },
  ];
  const clock = new VirtualClock(header.originUs);
  const port = await new ReplayPorts({ header, lines }, clock).i2c();
  let lost: DriverError | undefined;
  port.onLost((error) => {
    lost = error;
  });
  clock.advance(lostUs - 1);
  t.is(lost, undefined);
  clock.advance(1);
  t.is(lost?.code, 'CW-DRV-005');
});

test('a driver that asks something else than was recorded hears CW-DRV-019', async (t) => {
  const { text } = await record([1, 2, 3]);
  const other: Driver = {
    ...askingDriver,
    open: async (_options, context) => {
      await context.ports.bytes({ via: 'tcp', host: 'there', port: 1 });
      const chip = await context.ports.i2c({ via: 'linux', adapter: 1 });
      await chip.transfer(0x2b, Uint8Array.of(1), 1);
      throw new Error('not reached');
    },
  };
  const seen = await play(text, other);
  t.is(seen.faults[0], 'CW-DRV-019');
});

test('a driver that wants another kind of port is told that the recording has none', async (t) => {
  const { text } = await record([1]);
  const other: Driver = {
    ...askingDriver,
    open: async (_options, { ports }) => {
      await ports.reports({ match: {}, usagePage: 0x8c });
      throw new Error('not reached');
    },
  };
  const error = await t.throwsAsync(() => play(text, other), { instanceOf: DriverError });
  t.is(error?.code, 'CW-DRV-019');
  t.regex(error?.message ?? '', /opens none of the recorded ports: .*no further port of the kind reports/);
});
