import test from 'ava';
import { createRandom } from '#base/random.ts';
import { PressTest } from '#calibration/diagnosis/press.ts';
import type { DiagnosedCell } from '#calibration/diagnosis/types.ts';
import { pressLines } from '#cli/diagnose.ts';

const names = ['fl', 'fr', 'rl', 'rr'] as const;
const slope = 1_000 / 429.5;

interface Wiring {
  /** Which place's force each input measures. */
  readonly leads?: Readonly<Record<string, string>>;
  readonly dead?: readonly string[];
  readonly turned?: readonly string[];
  readonly calibrated?: boolean;
  /** Part of a press that goes to the other places, each. */
  readonly leak?: number;
}

function pressAll({ leads = {}, dead = [], turned = [], calibrated = true, leak = 0.05 }: Wiring = {}) {
  const cells = names.map(
    (cell): DiagnosedCell => ({
      cell,
      plate: 'basket',
      capacityMg: 10_000_000,
      divisionMg: 1_000,
      ...(calibrated ? { milligramsPerCount: slope, zeroCounts: 80_000 } : {}),
    }),
  );
  const press = new PressTest(cells);
  const random = createRandom(5);
  const samples = (over: string | undefined, massMg: number) => {
    for (const input of names) {
      const place = leads[input] ?? input;
      const force = over === undefined ? 0 : place === over ? massMg * (1 - 3 * leak) : massMg * leak;
      const sign = turned.includes(input) ? -1 : 1;
      const counts = 80_000 + (dead.includes(input) ? 0 : (sign * force) / slope) + 38.7 * random.gaussian();
      press.sample(input, Math.round(counts));
    }
  };
  for (const place of names) {
    for (let index = 0; index < 60; index++) samples(undefined, 0);
    press.expect(place);
    for (let index = 0; index < 80; index++) samples(place, 2_000_000 * Math.sin((Math.PI * index) / 80));
  }
  return press.result();
}

const codesOf = (wiring: Wiring) =>
  Object.fromEntries(
    Object.entries(pressAll(wiring).findings).map(([cell, found]) => [cell, found[0]?.code]),
  );

for (const calibrated of [true, false]) {
  const how = calibrated ? 'by mass' : 'by counts, without a calibration';
  test(`each cell answers in its own place, ${how}`, (t) => {
    const { answers, mapping, findings } = pressAll({ calibrated });
    t.deepEqual(mapping, { fl: 'fl', fr: 'fr', rl: 'rl', rr: 'rr' });
    t.deepEqual(findings, {});
    t.true(answers.every(({ clear, upward }) => clear && upward === (calibrated ? true : undefined)));
  });

  test(`swapped plugs are found by who answers, ${how}`, (t) => {
    t.deepEqual(codesOf({ calibrated, leads: { fl: 'rr', rr: 'fl' } }), {
      fl: 'CW-CAL-163',
      rr: 'CW-CAL-163',
    });
    const { mapping, findings } = pressAll({ calibrated, leads: { fl: 'rr', rr: 'fl' } });
    t.is(mapping.fl, 'rr');
    t.regex(findings.fl?.[0]?.message ?? '', /fl and rr are swapped/);
  });

  test(`three plugs in a ring are found, ${how}`, (t) => {
    const { mapping } = pressAll({ calibrated, leads: { fl: 'fr', fr: 'rl', rl: 'fl' } });
    t.deepEqual(mapping, { fl: 'rl', fr: 'fl', rl: 'fr', rr: 'rr' });
  });

  test(`a dead wire is a place where nobody answers, ${how}`, (t) => {
    t.deepEqual(codesOf({ calibrated, dead: ['rl'], leak: 0.005 }), { rl: 'CW-CAL-162' });
  });
}

test('a stiff plate on a dead cell moves the others alike: the press is not clear', (t) => {
  t.is(codesOf({ dead: ['rl'], leak: 0.15 }).rl, 'CW-CAL-166');
});

test('a cell that goes down under load is told, where its calibration says what up is', (t) => {
  t.deepEqual(codesOf({ turned: ['fr'] }), { fr: 'CW-CAL-164' });
  t.deepEqual(codesOf({ turned: ['fr'], calibrated: false }), {});
});

test('a glitch is no answer', (t) => {
  const press = new PressTest([{ cell: 'fl', plate: 'p', capacityMg: 10_000_000, divisionMg: 1_000 }]);
  for (let index = 0; index < 40; index++) press.sample('fl', 80_000);
  press.expect('fl');
  for (let index = 0; index < 40; index++) press.sample('fl', index % 20 === 5 ? 4_000_000 : 80_000);
  t.is(press.answer()?.answered, undefined);
  t.is(press.result().findings.fl?.[0]?.code, 'CW-CAL-162');
});

test('a cell that is not tested is refused, and its samples are ignored', (t) => {
  const press = new PressTest([]);
  press.sample('other', 1);
  t.false(press.expect('other'));
  t.is(press.answer(), undefined);
});

test('a press is told in a line, and what is wrong with what to do', (t) => {
  t.deepEqual(pressLines('fl', pressAll()), ['fl answers in its own place.']);
  const [what = '', advice = ''] = pressLines('fl', pressAll({ leads: { fl: 'rr', rr: 'fl' } }));
  t.regex(what, /^CW-CAL-163 Cells fl and rr are swapped/);
  t.regex(advice, /^ {2}Swap the two plugs/);
});
