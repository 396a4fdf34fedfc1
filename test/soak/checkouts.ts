import { startMosquitto } from '#test/support/mosquitto.ts';
import { payThroughKills } from '#test/support/till.ts';
import type { SoakOptions, Stage } from './stage.ts';

/** Kills of one broker and one ledger; then anew. */
const killsARun = 40;
/** Of ten requests so many meet a kill; within this time of being sent, ms. */
const share = 0.5;
const longestMs = 400;

/** Kills of the daemon at random moments of payments: exactly one charge, or none. */
export const checkoutsStage: Stage = {
  name: 'checkouts',
  about: 'the daemon killed again and again during payments, charges counted at a broker',
  async run({ kills, seed }: SoakOptions, say) {
    const faults: string[] = [];
    let [done, trips, captured] = [0, 0, 0];
    for (let run = 0; done < kills; run++) {
      const broker = await startMosquitto();
      try {
        const report = await payThroughKills({
          brokerUrl: broker.url,
          kills: Math.min(killsARun, kills - done),
          seed: seed + run,
          plan: (random) => (random.next() < share ? random.next() * longestMs : undefined),
        });
        done += report.kills;
        trips += report.trips;
        captured += report.captured;
        faults.push(...report.faults);
        say(`checkouts ${done}: ${trips} trips, ${captured} paid, ${report.faults.length} faults`);
      } finally {
        await broker.remove();
      }
    }
    return { summary: `${done} kills in ${trips} trips, ${captured} paid, each once`, faults };
  },
};
