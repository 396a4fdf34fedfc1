import test from 'ava';
import fc from 'fast-check';
import { isCoded } from '#base/errors.ts';
import {
  adopt,
  answered,
  begin,
  booted,
  confirm,
  flashedIn,
  freshState,
  goBack,
  kept,
  mostBoots,
  refuse,
  type Staged,
  stage,
  takeBack,
  type UpdaterState,
  undone,
  updaterState,
  useOrder,
  wanted,
} from '#updates/state.ts';
import { readState } from '#updates/state-file.ts';
import { compareVersions } from '#updates/versions.ts';

const formats = { configuration: 1, outbox: 1, calibration: 1 };
const release = (version: string): Staged => ({ version, firmware: {}, formats });
const well = { brokerAway: false, faulty: [] };
const plain = (version: string) => ({ version, downgrade: false, force: false, ...well });
const onTrial = (version = '1.1.0') =>
  begin(stage(freshState('1.0.0'), release(version), 1), plain(version), 2);

test('versions are in the order of semver.org', (t) => {
  const ascending = ['1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2'];
  ascending.push('1.0.0-beta.11', '1.0.0-rc.1', '1.0.0', '1.0.1', '1.2.0', '1.10.0', '2.0.0');
  for (const [i, a] of ascending.entries()) {
    for (const [j, b] of ascending.entries())
      t.is(Math.sign(compareVersions(a, b)), Math.sign(i - j), `${a} ${b}`);
  }
});

test('a release is staged, tried and found to be good; the one before stays', (t) => {
  let state = onTrial();
  t.is(wanted(state), '1.1.0');
  t.deepEqual([...kept(state)].sort(), ['1.0.0', '1.1.0']);
  state = confirm(state, 3);
  t.is(state.good, '1.1.0');
  t.is(state.before, '1.0.0');
  t.deepEqual(
    state.happenings.map(({ what, version, back }) => [what, version, back]),
    [
      ['staged', '1.1.0', '1.0.0'],
      ['began', '1.1.0', '1.0.0'],
      ['good', '1.1.0', '1.0.0'],
    ],
  );
});

test('a release that fails is taken back, and not tried again unless somebody insists', (t) => {
  let state = undone(takeBack(onTrial(), { code: 'CW-UPD-040', why: 'no sensors' }, 3));
  t.is(wanted(state), '1.0.0');
  state = stage(state, release('1.1.0'), 4);
  t.throws(() => begin(state, plain('1.1.0'), 5), { code: 'CW-UPD-025', message: /no sensors/ });
  t.is(begin(state, { ...plain('1.1.0'), force: true }, 5).trial?.version, '1.1.0');
});

test('a trial that is booted too often is over, and one boot counts once', (t) => {
  let state = onTrial();
  for (let boot = 1; boot <= mostBoots; boot++) {
    state = booted(booted(state, `boot-${boot}`, 3), `boot-${boot}`, 3);
    t.is(state.trial?.boots, boot);
  }
  state = booted(state, 'one more', 4);
  t.is(wanted(state), '1.0.0');
  t.is(state.happenings.at(-1)?.code, 'CW-UPD-042');
});

test('the way back by hand is a trial of its own, and keeps the release that was left from coming by itself', (t) => {
  const good = confirm(onTrial(), 3);
  const back = goBack(good, { release: release('1.0.0'), why: 'slow', before: well }, 4);
  t.is(wanted(back), '1.0.0');
  const state = confirm(back, 5);
  t.is(state.good, '1.0.0');
  t.like(state.happenings.at(-1), {
    what: 'rolled-back',
    version: '1.1.0',
    back: '1.0.0',
    code: 'CW-UPD-043',
  });
  t.throws(() => begin(stage(state, release('1.1.0'), 6), plain('1.1.0'), 7), { code: 'CW-UPD-025' });
  t.is(wanted(takeBack(back, { code: 'CW-UPD-040', why: '' }, 5)), '1.1.0');
  t.throws(() => goBack(freshState('1.0.0'), { release: release('0.9.0'), why: '', before: well }, 1), {
    code: 'CW-UPD-026',
  });
});

test('an order serves once, and the same refusal is told once', (t) => {
  const state = useOrder(freshState('1.0.0'), 'tx');
  t.throws(() => useOrder(state, 'tx'), { code: 'CW-UPD-028' });
  const refused = refuse(state, { version: '1.1.0', code: 'CW-UPD-024', why: 'older' }, 1);
  t.is(refuse(refused, { version: '1.1.0', code: 'CW-UPD-024', why: 'older' }, 2), refused);
});

/** One thing that may happen to a device, in any order. */
type Step =
  | { readonly do: 'stage' | 'adopt'; readonly version: string }
  | { readonly do: 'begin'; readonly version: string; readonly downgrade: boolean; readonly force: boolean }
  | { readonly do: 'boot' | 'healthy' | 'sick' | 'undone' | 'back' | 'cut' | 'ask' | 'flash' };

const versions = ['0.9.0', '1.0.0', '1.1.0', '1.2.0-rc.1', '1.2.0'];
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('stage', 'adopt'), version: fc.constantFrom(...versions) }),
  fc.record({
    do: fc.constant('begin' as const),
    version: fc.constantFrom(...versions),
    downgrade: fc.boolean(),
    force: fc.boolean(),
  }),
  fc.record({ do: fc.constantFrom('boot', 'healthy', 'sick', 'undone', 'back', 'cut', 'ask', 'flash') }),
) as fc.Arbitrary<Step>;

function taken(state: UpdaterState, step: Step, now: number): UpdaterState {
  switch (step.do) {
    case 'stage':
      return stage(state, release(step.version), now);
    case 'adopt':
      return state.trial === undefined && state.undo === undefined ? adopt(state, step.version, now) : state;
    case 'begin':
      return begin(state, { ...step, ...well }, now);
    case 'boot':
      return booted(state, `boot-${now}`, now);
    case 'healthy':
      return confirm(state, now);
    case 'sick':
      return takeBack(state, { code: 'CW-UPD-040', why: 'sick' }, now);
    case 'undone':
      return undone(state);
    case 'back':
      return goBack(state, { release: release(state.before ?? '0.0.1'), why: 'asked', before: well }, now);
    case 'ask':
      return answered(state, `request-${now}`);
    case 'flash':
      return flashedIn(state, [{ port: '/dev/ttyUSB0', ok: now % 2 === 0 }]);
    case 'cut':
      // What is on the disk is all that is known after a power cut.
      return readState(JSON.stringify(state));
  }
}

test('whatever is asked for and fails, there is a good release to go on with, and one trial at a time', (t) => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
      let state = freshState('1.0.0');
      let told = 0;
      for (const [index, step] of steps.entries()) {
        const before = state;
        try {
          state = taken(state, step, index + 1);
        } catch (error) {
          if (!isCoded(error)) throw error;
          if (state !== before) throw new Error('a refusal changed the state');
          continue;
        }
        checkStep(before, state, step);
        for (const { number } of state.happenings) {
          if (number <= told) continue;
          if (number !== told + 1) throw new Error(`happening ${number} follows ${told}`);
          told = number;
        }
        updaterState.parse(state);
      }
    }),
    { seed: 20_261_123, numRuns: 1_000 },
  );
  t.pass();
});

function checkStep(before: UpdaterState, after: UpdaterState, step: Step): void {
  const needed = kept(after);
  if (!needed.has(after.good) || !needed.has(wanted(after)))
    throw new Error('what is in service is not kept');
  if (after.trial !== undefined && after.trial.back !== after.good)
    throw new Error('a trial leads elsewhere back');
  if (after.trial !== undefined && after.trial.boots > mostBoots) throw new Error('a trial without end');
  const begun = after.trial !== undefined && before.trial === undefined;
  if (begun && before.undo !== undefined) throw new Error('begun while another is taken back');
  if (before.trial !== undefined && after.trial !== undefined && before.trial.number !== after.trial.number) {
    throw new Error('two trials at once');
  }
  if (begun && step.do === 'begin') {
    if (!step.force && before.failed.some(({ version }) => version === step.version))
      throw new Error('tried again');
    if (!step.downgrade && compareVersions(step.version, before.good) < 0)
      throw new Error('went back unasked');
  }
  if (begun && step.do !== 'begin' && step.do !== 'back') throw new Error(`begun by ${step.do}`);
  if (after.good !== before.good && step.do !== 'healthy' && step.do !== 'adopt') {
    throw new Error(`another good release by ${step.do}`);
  }
}
