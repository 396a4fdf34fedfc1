import { writeSync } from 'node:fs';
import { CalibrationDevice, firstRevision } from './calibration-device.ts';

/**
 * Lives of a device that is calibrated: begun with a file, calibrated, rolled back, configured otherwise, beyond what it
 * keeps. After each thing that it promised, one line on standard output says what must hold from here on.
 * `LIVES` lives, or with `endless` one after the other until it is killed.
 */
const [folder, lives] = process.argv.slice(2);
if (folder === undefined || lives === undefined)
  throw new Error('usage: calibration-run FOLDER LIVES|endless');
const last = lives === 'endless' ? Number.POSITIVE_INFINITY : Number(lives);

const say = (device: CalibrationDevice) => writeSync(1, `PROMISE ${JSON.stringify(device.promised)}\n`);

for (let life = 0; life < last; life++) {
  // Every other start finds another configuration.
  const device = await CalibrationDevice.open(folder, Math.floor(life / 2));
  say(device);
  for (let i = 0; i < 2; i++) {
    await device.commit();
    say(device);
  }
  const newest = device.keeper.head?.revision ?? firstRevision;
  await device.rollback(newest - 1);
  say(device);
  await device.close();
}
