import test from 'ava';
import { killCalibrations } from '#test/support/calibration-kills.ts';

test('a device that is killed while it is calibrated has the calibration before or the new one, with its event, record and answer', async (t) => {
  t.timeout(300_000);
  const { faults, revision } = await killCalibrations({ kills: 6, seed: 1 });
  t.deepEqual(faults, []);
  t.true(revision > 8);
});
