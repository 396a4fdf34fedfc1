import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parse } from 'yaml';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createRandom } from '#base/random.ts';
import type { DeviceEntry } from '#config/board.ts';
import { findDriver, systemAttachments } from '#drivers/registry.ts';
import { DeviceSupervisor } from '#gateway/devices.ts';
import type { Reading } from '#readings/readings.ts';

/**
 * Runs on the rig's computer: `node supervised.ts BOARD` keeps all devices of a board open as the gateway does, and
 * prints, a JSON object a line: each frame (its size, and a hash in place of its pixels), each fault and each end of one,
 * with the time of this process, µs. Ends with its standard input.
 */
const [board = ''] = process.argv.slice(2);
const print = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);
const { devices } = parse(await readFile(board, 'utf8')) as { devices: DeviceEntry[] };

const supervisor = new DeviceSupervisor({
  entries: devices,
  clock: systemClock,
  log: silentLogger,
  random: createRandom(1),
  findDriver: (name) => findDriver(name),
  attachments: systemAttachments(systemClock),
  onReading: (reading) => print({ ...readable(reading), nowUs: systemClock.nowUs() }),
  onFault: (source, fault) => print({ source, ...fault, nowUs: systemClock.nowUs() }),
});
createInterface({ input: process.stdin }).once('close', async () => {
  await supervisor.stop();
  process.exit(0);
});
await supervisor.start();

function readable(reading: Reading): object {
  if (reading.kind !== 'frame') return reading;
  const { data, ...rest } = reading;
  return { ...rest, bytes: data.length, hash: createHash('sha1').update(data).digest('hex') };
}
