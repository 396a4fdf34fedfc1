import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parse } from 'yaml';
import { systemClock } from '#base/clock.ts';
import { describeError, isCoded } from '#base/errors.ts';
import { silentLogger } from '#base/log.ts';
import { createSystemPorts } from '#drivers/ports/system.ts';
import { openDevice } from '#drivers/registry.ts';
import type { Reading } from '#readings/readings.ts';

/**
 * Runs on the rig's computer: `node open.ts BOARD DEVICE` opens one device of a board by its driver and prints, a JSON
 * object a line: `opened`, readings, faults; or `refused` and ends with 3. A line `{"call": …, "args": …}` on its
 * standard input calls the device, and is answered by `called`. Ends with its standard input.
 */
const [board = '', id = ''] = process.argv.slice(2);
const print = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);
const { devices } = parse(await readFile(board, 'utf8')) as {
  devices: { id: string; driver: string; options?: unknown }[];
};
const entry = devices.find((device) => device.id === id);
if (entry === undefined) throw new Error(`${board} has no device ${id}`);

const buses = new Map();
const ports = createSystemPorts({ clock: systemClock, log: silentLogger, buses });
try {
  const device = await openDevice(entry, { id, clock: systemClock, log: silentLogger, buses, ports });
  device.faults.subscribe((fault) => print(fault));
  await device.start((reading) => print(readable(reading)));
  print({ opened: device.identity });
  const lines = createInterface({ input: process.stdin });
  lines.on('line', async (line) => {
    const { call, args } = JSON.parse(line) as { call: string; args?: unknown };
    try {
      print({ called: call, answer: await device.call?.(call, args) });
    } catch (error) {
      print({ called: call, refused: isCoded(error) ? error.code : 'other', message: describeError(error) });
    }
  });
  lines.once('close', async () => {
    await device.stop();
    process.exit(0);
  });
} catch (error) {
  print({ refused: isCoded(error) ? error.code : 'other', message: describeError(error) });
  process.exitCode = 3;
}

function readable(reading: Reading): object {
  if (reading.kind === 'frame') {
    const { data, ...rest } = reading;
    return { ...rest, bytes: data.length, hash: createHash('sha1').update(data).digest('hex') };
  }
  if (reading.kind !== 'scan') return reading;
  return { ...reading, data: Buffer.from(reading.data).toString('latin1') };
}
