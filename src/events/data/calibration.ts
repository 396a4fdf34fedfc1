import { array, choice, hex, may, must, record, text, uint } from '../fields.ts';

export const calibrationBegun = record('calibration-begun', {
  session: must(1, text, "the calibration's session"),
  plates: must(2, array(text), 'plates that are worked on'),
  purpose: must(3, choice('calibrate', 'verify'), 'whether anything is to change'),
  revision: may(4, uint, 'revision in force; none where nothing is calibrated yet'),
  actor: may(5, text, 'key that asked, where one did'),
});
export const calibrationEnded = record('calibration-ended', {
  session: must(1, text, "the calibration's session"),
  outcome: must(2, choice('committed', 'aborted', 'expired', 'verified'), 'how it ended'),
  revision: may(3, uint, 'revision in force now; none where nothing is calibrated yet'),
});
export const calibrationCommitted = record('calibration-committed', {
  revision: must(1, uint, 'in force from here on'),
  previous: may(2, uint, 'revision that was in force before; none where this is the first'),
  cause: must(
    3,
    choice('calibrate', 'zero', 'rollback', 'import', 'configuration'),
    'what made it: a calibration, a new zero, an earlier one brought back, a file, or that the configuration which weighing depends on changed',
  ),
  plates: must(4, array(text), 'plates whose adjustment changed'),
  calibrationCounter: must(5, uint, '+1 with every revision that changed an adjustment; never goes back'),
  configurationCounter: must(6, uint, '+1 with every such change of the configuration; never goes back'),
  hash: must(7, hex(32), 'of its record, which stands for all revisions before it'),
  from: may(8, uint, 'revision that a rollback brought back'),
  session: may(9, text, 'session that it was made in'),
  actor: may(10, text, 'key that asked, where one did'),
});
