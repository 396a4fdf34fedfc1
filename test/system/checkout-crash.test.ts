import anyTest from 'ava';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { payThroughKills } from '#test/support/till.ts';
import { needs } from '#test/tools.ts';

const test = needs(anyTest, 'mosquitto');

test.serial('a daemon killed at every state change of a checkout charges once, or not at all', async (t) => {
  t.timeout(1_200_000);
  const broker = await startMosquitto();
  t.teardown(() => broker.remove());
  const seed = 7;
  // After each request of one trip: some before it is on disk, some before it is answered, some after.
  const report = await payThroughKills({
    brokerUrl: broker.url,
    kills: 8,
    seed,
    plan: (random) => random.next() * 60,
  });
  t.log(
    `seed ${seed}: ${report.kills} kills in ${report.trips} trips, ${report.captured} paid, ${report.events} events`,
  );
  t.deepEqual(report.faults, []);
  t.true(report.kills >= 8);
});
