import test from 'ava';
import type { Driver } from '#drivers/driver.ts';
import { gpioIndicator } from '#drivers/indicator/gpio-indicator.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { SensorTrial } from './sensor-support.ts';

const options = {
  chip: 'pinctrl-rp1',
  lamps: [
    { name: 'green', offset: 17 },
    { name: 'red', offset: 27, activeLow: true },
  ],
  buzzer: { offset: 22 },
};

/** Changes of the three lines: green, red, buzzer, with the time since the start in ms. */
async function rig() {
  const trial = new SensorTrial();
  const startUs = trial.clock.nowUs();
  const lines: { at: number; values: string }[] = [];
  let last: string | undefined;
  const ports = new PeerPorts(trial.clock, {
    lines: {
      set: (values) => {
        const text = values.map((value) => (value ? '1' : '0')).join('');
        if (text !== last) lines.push({ at: (trial.clock.nowUs() - startUs) / 1000, values: text });
        last = text;
      },
    },
  });
  await trial.running(gpioIndicator as Driver, options, ports, 'lamps');
  const call = (action: string, args?: unknown) =>
    trial.settle(trial.device.call?.(action, args) ?? Promise.reject());
  const now = () => last;
  return { trial, lines, ports, call, now };
}

test('everything is off from the start, and after the stop', async (t) => {
  const { trial, lines, ports, call, now } = await rig();
  t.deepEqual(
    lines.map(({ values }) => values),
    ['000'],
  );
  await call('lamp', { lamp: 'green', state: 'on' });
  await call('lamp', { lamp: 'red', state: 'fast' });
  await call('tone', { pattern: 'long' });
  t.is(now(), '111');
  await trial.device.stop();
  await trial.device.stop();
  t.is(now(), '000');
  t.is(ports.open, 0);
  t.is(trial.clock.nextDueUs, undefined);
});

test('a lamp is lit, blinks as often as asked, and is put out', async (t) => {
  const { trial, lines, call, now } = await rig();
  await call('lamp', { lamp: 'green', state: 'on' });
  await trial.pass(2_000_000);
  t.is(now(), '100');
  await call('lamp', { lamp: 'green', state: 'off' });
  t.is(now(), '000');
  lines.length = 0;
  const fromMs = (trial.clock.nowUs() - 1_000_000) / 1000;
  await call('lamp', { lamp: 'red', state: [[100, 200]], times: 2 });
  await trial.pass(2_000_000);
  t.deepEqual(
    lines.map(({ at, values }) => [Math.round((at - fromMs) / 10) * 10, values]),
    [
      [0, '010'],
      [100, '000'],
      [300, '010'],
      [400, '000'],
    ],
  );
});

test('a pattern goes on until another takes its place', async (t) => {
  const { trial, lines, call, now } = await rig();
  await call('lamp', { lamp: 'green', state: 'slow' });
  await trial.pass(5_000_000);
  t.true(lines.length >= 10 && lines.length <= 12, `${lines.length} changes in 5 s`);
  await call('lamp', { lamp: 'green', state: 'on' });
  lines.length = 0;
  await trial.pass(3_000_000);
  t.deepEqual(lines, []);
  t.is(now(), '100');
});

test('a tone sounds once, beside the lamps', async (t) => {
  const { trial, lines, call } = await rig();
  await call('lamp', { lamp: 'green', state: 'on' });
  lines.length = 0;
  await call('tone', { pattern: 'attention' });
  await trial.pass(3_000_000);
  t.deepEqual(
    lines.map(({ values }) => values),
    ['101', '100', '101', '100'],
  );
  lines.length = 0;
  await call('tone');
  await trial.pass(1_000_000);
  t.deepEqual(
    lines.map(({ values }) => values),
    ['101', '100'],
  );
});

test('one call puts out everything', async (t) => {
  const { call, now } = await rig();
  await call('lamp', { lamp: 'green', state: 'on' });
  await call('lamp', { lamp: 'red', state: 'double' });
  await call('tone', { pattern: 'error', times: 3 });
  await call('off');
  t.is(now(), '000');
});

const refused: readonly [what: string, action: string, args: unknown, code: string, message: RegExp][] = [
  ['an unknown call', 'dance', {}, 'CW-DRV-009', /it knows: lamp, tone, off/],
  ['a lamp that is not there', 'lamp', { lamp: 'blue', state: 'on' }, 'CW-DRV-020', /it has: green, red/],
  ['no arguments', 'lamp', undefined, 'CW-DRV-020', /call lamp: arguments/],
  ['an unknown pattern', 'lamp', { lamp: 'red', state: 'disco' }, 'CW-DRV-020', /call lamp: state/],
  ['a misspelt key', 'lamp', { lamp: 'red', state: 'on', time: 3 }, 'CW-DRV-020', /call lamp/],
  ['a step too short to see', 'lamp', { lamp: 'red', state: [[1, 0]] }, 'CW-DRV-020', /call lamp: state/],
  [
    'a pattern without end',
    'tone',
    { pattern: Array(33).fill([10, 10]) },
    'CW-DRV-020',
    /call tone: pattern/,
  ],
  ['a tone for ever', 'tone', { pattern: 'ok', times: 1e9 }, 'CW-DRV-020', /call tone: times/],
  ['arguments that off has not', 'off', { lamp: 'red' }, 'CW-DRV-020', /call off/],
];
for (const [what, action, args, code, message] of refused) {
  test(`${what} is refused and changes nothing`, async (t) => {
    const { call, lines } = await rig();
    await t.throwsAsync(call(action, args), { code, message });
    t.is(lines.length, 1);
  });
}

test('a chip that is pulled is told within a second, once, and calls are refused', async (t) => {
  const { trial, ports, call } = await rig();
  await call('lamp', { lamp: 'green', state: 'slow' });
  ports.unplug();
  await trial.pass(1_000_000);
  t.deepEqual(trial.said(), ['disconnected CW-DRV-005']);
  await t.throwsAsync(call('lamp', { lamp: 'green', state: 'on' }), { code: 'CW-DRV-020' });
  await trial.pass(3_000_000);
  t.is(trial.faults.length, 1);
  t.is(trial.clock.nextDueUs, undefined);
  await trial.device.stop();
});

test('without a buzzer a tone is refused with what to do', async (t) => {
  const trial = new SensorTrial();
  const ports = new PeerPorts(trial.clock, { lines: { set: () => {} } });
  await trial.running(gpioIndicator as Driver, { chip: 'x', lamps: [{ name: 'a', offset: 1 }] }, ports);
  const tone = trial.device.call?.('tone', {}) ?? Promise.resolve();
  await t.throwsAsync(tone, { code: 'CW-DRV-020', message: /name its line in the option buzzer/ });
  await trial.device.stop();
});

test('options that can not be are refused', (t) => {
  const isRefused = (given: object) => !gpioIndicator.options.safeParse(given).success;
  t.true(isRefused({ chip: 'x' }), 'neither lamp nor buzzer');
  t.true(
    isRefused({ chip: 'x', lamps: [{ name: 'a', offset: 1 }], buzzer: { offset: 1 } }),
    'one line twice',
  );
  t.true(
    isRefused({
      chip: 'x',
      lamps: [
        { name: 'a', offset: 1 },
        { name: 'a', offset: 2 },
      ],
    }),
    'one name twice',
  );
  t.false(isRefused({ chip: 'x', buzzer: { offset: 1 } }));
});
