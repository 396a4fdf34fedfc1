import { array, may, must, record, text, uint } from '../fields.ts';

const number = must(1, uint, "of the updater's happenings, +1 each; it begins anew where its state was lost");
const atMs = must(2, uint, 'when, by the clock of the machine, UTC, ms since 1970');
const version = must(3, text, 'the release that it is about');
const back = must(4, text, 'the release in service before');

export const updateStaged = record('update-staged', { number, atMs, version, back });
export const updateBegan = record('update-began', { number, atMs, version, back });
export const updateGood = record('update-good', { number, atMs, version, back });
export const updateRolledBack = record('update-rolled-back', {
  number,
  atMs,
  version: must(3, text, 'the release that was taken back'),
  back: must(4, text, 'the release that is in service again'),
  code: must(5, text, 'CW-UPD-…'),
  why: must(6, text, 'the same for people'),
});
export const updateRefused = record('update-refused', {
  number,
  atMs,
  version: may(3, text, 'the release that it is about, where that is known'),
  code: must(5, text, 'CW-UPD-…'),
  why: must(6, text, 'the same for people'),
});

export const updateHealth = record('update-health', {
  version: must(1, text, 'release in service'),
  state: must(
    2,
    text,
    '`idle`, `waiting` (for its turn, or until nobody is shopping), `fetching`, `asked`, `staged`, `trial`',
  ),
  offered: may(3, text, 'release that the store offers'),
  staged: may(4, text, 'release that is ready to be begun'),
  failed: may(5, text, 'the last release that was taken back here'),
  hold: may(6, text, 'why it does not go on'),
  fault: may(7, text, 'code of what went wrong last with what is offered'),
  group: may(9, text, 'group of roll-outs that its configuration names'),
  firmware: may(8, array(text), 'boards whose firmware is not the one of this release'),
});
