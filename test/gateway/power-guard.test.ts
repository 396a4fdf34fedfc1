import test from 'ava';
import fc from 'fast-check';
import { powerSchema } from '#config/power.ts';
import { PowerGuard } from '#gateway/power-guard.ts';

const config = powerSchema.parse({ sensor: 'battery', ignition: 'dock' });
const away = { externalPower: false } as const;
const second = 1_000_000;

test('a battery that stays low shuts the machine down after its time, and power from outside ends that', (t) => {
  const guard = new PowerGuard(config);
  const low = { ...away, batteryPpm: 79_000 };
  const judge = (seconds: number, battery: object | undefined, inSession = false) =>
    guard.judge({ nowUs: seconds * second, battery, ignition: undefined, inSession });
  t.deepEqual(judge(0, { ...away, batteryPpm: 500_000 }), { why: undefined, isDue: false });
  t.deepEqual(judge(1, low), { why: 'the battery has 7 % left', isDue: false, inS: 60 });
  t.like(judge(60, low), { isDue: false, inS: 1 });
  t.like(judge(60.5, { ...low, externalPower: true }), { why: undefined, isDue: false });
  t.like(judge(61, low), { isDue: false, inS: 60 });
  t.like(judge(121, low), { isDue: true, inS: 0 });
});

test('while a shopper is there only a critical battery does, after 10 s', (t) => {
  const guard = new PowerGuard(config);
  const judge = (seconds: number, batteryPpm: number, inSession = true) =>
    guard.judge({ nowUs: seconds * second, battery: { ...away, batteryPpm }, ignition: away, inSession });
  const waits = judge(0, 50_000);
  t.false(waits.isDue);
  t.is(waits.inS, undefined);
  t.false(judge(4_000, 50_000).isDue);
  t.like(judge(4_001, 29_000), { isDue: false, inS: 10 });
  t.like(judge(4_005, 31_000), { isDue: false }, 'for a moment, under load');
  t.like(judge(4_006, 29_000), { isDue: false, inS: 10 });
  t.true(judge(4_016, 29_000).isDue);
  const left = new PowerGuard(config);
  const at = (seconds: number, inSession: boolean) =>
    left.judge({
      nowUs: seconds * second,
      battery: { ...away, batteryPpm: 50_000 },
      ignition: away,
      inSession,
    });
  t.false(at(0, true).isDue);
  t.false(at(1_000, true).isDue);
  t.true(at(1_001, false).isDue, 'the shopper has left');
});

test('the sign to be on may be away for a while', (t) => {
  const guard = new PowerGuard(config);
  const judge = (seconds: number, ignition: object | undefined) =>
    guard.judge({ nowUs: seconds * second, battery: undefined, ignition, inSession: false });
  t.like(judge(0, away), { isDue: false, inS: 300 });
  t.like(judge(299, { externalPower: true }), { why: undefined });
  t.like(judge(300, away), { isDue: false, inS: 300 });
  t.true(judge(600, away).isDue);
});

test('sensors that are gone, or say nothing of a battery, switch nothing off', (t) => {
  const measurement = fc.option(
    fc.record({ externalPower: fc.constant(true), batteryPpm: fc.nat(1_000_000) }, { requiredKeys: [] }),
    { nil: undefined },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1_000), measurement, measurement, fc.boolean())), (steps) => {
      const guard = new PowerGuard(config);
      let nowUs = 0;
      for (const [seconds, battery, ignition, inSession] of steps) {
        nowUs += seconds * second;
        if (guard.judge({ nowUs, battery, ignition, inSession }).isDue) return false;
      }
      return true;
    }),
    { seed: 7 },
  );
  t.pass();
});
