import type { CommandDoc } from './commands.ts';

const session = 'as `calibration.begin` answered it';
const plate = 'plate of the session';
const load = {
  session,
  plate,
  massMg: 'mass of the weights, mg',
  'at?': '`centre` (where left out), or the id of the cell that they lie over',
  'weights?': 'ids of the weights, as named at the beginning',
  'force?':
    'why the step is right although what is read speaks against it; kept in the report and in the audit log',
};
const expected = 'revision that is expected to be in force; 0 where there is none';
const step =
  '`state` of the plate, `notices` (`code`, `message`), and what the step brought; masses are mg, other fractions decimal text';

/** The commands of `calibration.…`. */
export const calibrationCommands: readonly CommandDoc[] = [
  {
    name: 'calibration.status',
    summary: 'What is in force, the plates that can be calibrated, and the session that is under way.',
    args: {},
    answer: '`revision`, `counters`, `hash`, `plates` (`id`, `maxMg`, `intervalMg`, `cells`), `session?`',
  },
  {
    name: 'calibration.plan',
    summary: 'What to put where to calibrate a plate with the weights at hand.',
    args: {
      plate: 'plate of the board',
      weights: 'as in `calibration.begin`',
      'model?': '`full` (span and corners, where left out), `span` or `zero`',
      'tests?': 'what to put where for these verification tests instead, as `calibration.test` names them',
    },
    answer:
      '`steps` (`step`, `massMg`, `at`, `weights`, `direction`; of tests `kind` (`reading`, `substitute`, `restore`), `test`, `massMg`, `substitutedMg`, `at`, `weights`, `direction`, `tilt?`, `afterMinutes?`, `text`), `notes`',
  },
  {
    name: 'calibration.begin',
    summary:
      'Begins a session on some plates: they are in maintenance, live values flow, nothing changes before the commit. One at a time on a device; it ends with its lease.',
    args: {
      plates: 'plates of the board',
      'purpose?': '`calibrate` (where left out), or `verify`',
      expected,
      'weights?': 'test weights: `id`, `massMg`, `class?` (E2, F1, F2, M1, M2, M3), `certificate?`',
      'environment?': '`milliCelsius?`, `humidityPpm?`, `pressurePa?`, `note?`',
      'leaseS?': '10 … 600, default 120',
    },
    answer: '`session`, `revision`, `leaseS`',
  },
  {
    name: 'calibration.renew',
    summary: 'The lease begins anew. Every third of it is a good habit.',
    args: { session },
    answer: '`session`, `expiresUs`',
  },
  {
    name: 'calibration.resume',
    summary:
      'Goes on after a lost connection or a restart of the device (within ten minutes), where the session stood.',
    args: { session },
    answer: '`session`: all of it, as in `calibration.status`',
  },
  {
    name: 'calibration.zero',
    summary: 'The plate is empty: waits up to 15 s for rest and takes it.',
    args: { session, plate, 'force?': 'why a zero far from the former one is right' },
    answer: step,
  },
  {
    name: 'calibration.load',
    summary: 'A known load lies on the plate: waits for rest and takes it.',
    args: { ...load, 'direction?': '`up` (where left out) or `down`' },
    answer: `${step}: \`load\``,
  },
  {
    name: 'calibration.substitute',
    summary:
      'Any load replaces the weights that lay there, of nearly the same indication; it then counts as known.',
    args: { session, plate },
    answer: `${step}: \`substitutedMg\``,
  },
  {
    name: 'calibration.temperature',
    summary: 'The same load at another temperature: drift of zero, or of span.',
    args: {
      session,
      plate,
      'massMg?': '0 where left out: the empty plate',
      'weights?': 'ids of the weights',
    },
    answer: step,
  },
  {
    name: 'calibration.undo',
    summary: 'Takes the last step of a plate back.',
    args: { session, plate },
    answer: step,
  },
  {
    name: 'calibration.fit',
    summary: 'Makes a candidate of what was taken.',
    args: {
      session,
      'plate?': 'may be left out where the session has one',
      'model?': '`linear`, `piecewise` or `quadratic`; the simplest that fits where left out',
      'trim?':
        'whether the gains of cells are fitted; where left out, they are when loads lay over the cells',
    },
    answer: `${step}: \`fitted\` (\`model\`, \`rank\`, \`condition\`, \`residuals\`, \`gainPpm\`, \`warnings\`), \`candidate\` (\`hash\`)`,
  },
  {
    name: 'calibration.verify',
    summary: 'A load of other weights is held against the candidate; without that nothing can be committed.',
    args: load,
    answer: `${step}: \`verification\` (\`errorMg\`, \`mpeMg\`, \`passed\`, \`independent\`)`,
  },
  {
    name: 'calibration.test',
    summary: 'A reading of a verification test, of the candidate or of what is in force.',
    args: {
      ...load,
      test: '`linearity`, `eccentricity`, `repeatability`, `discrimination`, `zero-return`, `creep`, `warm-up` or `tilt`',
      'direction?': '`up` (where left out) or `down`',
      'extraMg?': 'small weights that were added until the indication went up by one interval, mg',
      'tilt?': '`level` (where left out), `forward`, `backward`, `left` or `right`: by 50/1000',
    },
    answer: `${step}: \`observation\``,
  },
  {
    name: 'calibration.commit',
    summary:
      'Puts the candidate in force, as a new revision, with its event and its record; the session is over.',
    args: { session, candidate: 'its `hash`', expected },
    answer: '`session`, `outcome`, `revision`, `hash`',
  },
  {
    name: 'calibration.finish',
    summary:
      'Ends a verification: verdict and hash of its report go on record, the newest report stays on the device.',
    args: { session },
    answer: '`session`, `outcome`, `verdict` (`passed`, `failed`, `incomplete`), `sha256`',
  },
  {
    name: 'calibration.abort',
    summary: 'Ends the session. The scale stays as it was.',
    args: { session, 'why?': 'for the record' },
    answer: '`session`, `outcome`',
  },
  {
    name: 'calibration.rollback',
    summary: 'Brings an earlier revision back, as a new one.',
    args: { revision: 'the earlier one', expected, why: 'for the record' },
    answer: '`revision`, `from`, `hash`',
  },
  {
    name: 'calibration.list',
    summary: 'The revisions that are kept, the newest first.',
    args: { 'before?': 'those before that revision', 'count?': '1 … 50, default 20' },
    answer:
      '`revisions` (`revision`, `cause`, `atMs`, `by`, `plates`, `counters`, `hash`, `hasReport`), `more`',
  },
  {
    name: 'calibration.show',
    summary: 'One revision with everything.',
    args: { revision: 'its number' },
    answer: '`revision`, `cause`, …, `calibration` (JSON text)',
  },
  {
    name: 'calibration.report',
    summary: 'The report of a revision, or of the session as far as it has come.',
    args: { 'revision?': 'the newest where left out', 'session?': 'the session that is under way, instead' },
    answer: '`report` (JSON text)',
  },
  {
    name: 'calibration.diagnose',
    summary: 'Noise, drift, hum and coupling of cells that nobody touches.',
    args: {
      'plates?': 'all on cells where left out',
      'seconds?': '2 … 120, default 10',
      'empty?': 'the plates are empty: zero is held against the calibration',
      'press?':
        'a cell: instead, after a second at rest, somebody presses over it for `seconds`, and the answer tells which cell felt it',
    },
    answer:
      '`verdict` (`good`, `doubt`, `fault`), `seconds`, `cells` (figures and `findings`), `couplings`, `care` (`due`, `overloads`, `lifetimeOverloads`, `plates` with drift of `zero` and `span`); of a press `press` (`answers`, `mapping`, `findings`)',
  },
];
