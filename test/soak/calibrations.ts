import { killCalibrations } from '#test/support/calibration-kills.ts';
import type { SoakOptions, Stage } from './stage.ts';

/** Kills of a device at random moments of commits, rollbacks and starts: old or new, never mixed, no counter back. */
export const calibrationStage: Stage = {
  name: 'calibration',
  about:
    'a device killed again and again while it is calibrated, its revisions and audit log checked after each',
  async run({ kills, seed }: SoakOptions, say) {
    const { faults, midway, revision } = await killCalibrations({ kills, seed, say });
    return {
      summary: `${kills} kills, ${midway} of them right behind a commit's write, ${revision} revisions`,
      faults,
    };
  },
};
