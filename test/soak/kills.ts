import { shopThroughKills } from '#test/support/crash.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import type { SoakOptions, Stage } from './stage.ts';

const killsATrip = 20;

/** Kills of the daemon at random moments of trips: nothing lost, repeated by id, decided wrong or left unexplained. */
export const killsStage: Stage = {
  name: 'kills',
  about: 'the daemon killed again and again during trips, its events checked at a broker',
  async run({ kills, seed }: SoakOptions, say) {
    const faults: string[] = [];
    let events = 0;
    const trips = Math.ceil(kills / killsATrip);
    for (let trip = 0; trip < trips; trip++) {
      const report = await shop(seed + trip);
      events += report.events;
      faults.push(...report.faults);
      say(
        `kills ${(trip + 1) * killsATrip}: ${report.events} events, ${report.repeats} repeats removed by id, ` +
          `${report.questions} questions, ${report.faults.length} faults`,
      );
    }
    return { summary: `${trips * killsATrip} kills, ${events} events`, faults };
  },
};

async function shop(seed: number) {
  const broker = await startMosquitto();
  try {
    const { events, repeats, score, ...report } = await shopThroughKills({
      brokerUrl: broker.url,
      kills: killsATrip,
      seed,
      life: [100, 5_000],
      down: [50, 600],
    });
    const faults = [
      ...report.gaps.map((sequence) => `sequence ${sequence} never came`),
      ...report.basketFaults,
      ...report.problems,
      ...score.wrongEvents.map((event) => `wrong ${event.type} ${event.product}`),
      ...report.unexplained.map((what) => `unexplained: ${what}`),
    ];
    return { events, repeats, questions: score.questions, faults };
  } finally {
    await broker.remove();
  }
}
