import { array, choice, may, must, record, text, uint } from '../fields.ts';

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

/** Of a root (Debian with its kernel) on machines that an image was written to; releases have events of their own. */
export const updateRoot = record('update-root', {
  number: must(
    1,
    uint,
    'of what became of roots on this device, +1 each; it begins anew where its state was lost',
  ),
  atMs,
  what: must(
    3,
    choice('written', 'good', 'rolled-back'),
    '`written`: tried at the next start; `good`: in service for good; `rolled-back`: taken back, the one from before is in service',
  ),
  version: must(4, text, 'the root that it is about'),
  slot: must(5, text, 'where it was written: `a` or `b`'),
  back: must(6, text, 'the slot that was in service before'),
  code: may(7, text, 'CW-UPD-…, where it was taken back'),
  why: may(8, text, 'the same for people'),
});
export const rootHealth = record('root-health', {
  slot: must(1, text, 'that runs: `a` or `b`'),
  version: must(2, text, 'root in it'),
  trial: may(3, text, 'root that is on trial: it runs, or is tried at the next start'),
  failed: may(4, text, 'the root that was taken back here last, where none was found to be good since'),
  why: may(5, text, 'why that was'),
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
