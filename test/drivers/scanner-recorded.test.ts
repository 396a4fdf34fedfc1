import test from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { parseRaw } from '#drivers/ports/raw/format.ts';
import { playRaw } from '#drivers/ports/raw/play.ts';
import { recordPorts } from '#drivers/ports/raw/record.ts';
import { findDriver, parseDriverOptions } from '#drivers/registry.ts';
import { findBench } from '#drivers/virtual/benches.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading } from '#readings/readings.ts';

const second = 1_000_000;

interface Seen {
  readonly readings: Reading[];
  readonly faults: DeviceFault[];
}

/** Scans, noise, an unplug in between: what the driver delivered, and the recording of its bytes. */
async function record(name: string): Promise<Seen & { readonly text: string }> {
  const clock = new VirtualClock(5 * second);
  const bench = await (await findBench(name))?.(clock, 7);
  if (bench === undefined) throw new Error(`${name} has no bench`);
  const driver = await findDriver(name);
  const header = {
    raw: 1,
    device: 'scanner',
    driver: name,
    options: bench.options,
    originUs: 5 * second,
  } as const;
  const rows: string[] = [];
  const ports = recordPorts(header, clock, (row) => rows.push(row))(bench.ports);
  const seen: Seen = { readings: [], faults: [] };
  const options = parseDriverOptions(driver, bench.options, 'scanner');
  const running = async () => {
    const context = { id: 'scanner', clock, log: silentLogger, buses: bench.buses, ports };
    const device = await driver.open(options, context);
    device.faults.subscribe((fault) => seen.faults.push(fault));
    await device.start((reading) => seen.readings.push(reading));
    return device;
  };
  const first = await running();
  for (let count = 0; count < 3; count++) {
    bench.stimulate();
    await bench.advance(second);
  }
  bench.babble?.(1);
  await bench.advance(3 * second);
  bench.stimulate();
  bench.unplug();
  await bench.advance(second / 2);
  await first.stop();
  bench.replug();
  const again = await running();
  bench.stimulate();
  await bench.advance(3 * second);
  await again.stop();
  return { ...seen, text: `${rows.join('\n')}\n` };
}

for (const name of ['hid-pos-scanner', 'evdev-keyboard', 'serial-scanner', 'ssi-scanner']) {
  test(`${name} reads from a recording of the bytes what it read from the scanner`, async (t) => {
    const { readings, faults, text } = await record(name);
    t.true(readings.length >= 4);
    t.true(faults.some(({ fault }) => fault === 'disconnected'));
    const replayed: Seen = { readings: [], faults: [] };
    await playRaw(
      parseRaw(text, name),
      await findDriver(name),
      {
        reading: (reading) => replayed.readings.push(reading),
        fault: (fault) => replayed.faults.push(fault),
      },
      silentLogger,
    );
    t.deepEqual(replayed.readings, readings);
    t.deepEqual(
      replayed.faults.map(({ fault, cleared }) => [fault, cleared]),
      faults.map(({ fault, cleared }) => [fault, cleared]),
    );
  });
}
