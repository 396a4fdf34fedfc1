/**
 * What takes too long for every commit: `npm run soak [-- --kills=200 --trips=2000]`. Exit 0 only when nothing was lost,
 * repeated by id, decided wrong or left unexplained.
 */
import { parseArgs } from 'node:util';
import { loadCatalogue } from '#catalogue/load.ts';
import { loadBoard } from '#config/load.ts';
import { shopThroughKills } from '#test/support/crash.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { tallyTrips } from '#test/support/random-trips.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    trips: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
  },
});
const killsATrip = 20;
const firstSeed = Number(values.seed);
let bad = 0;

const tally = tallyTrips(
  firstSeed,
  Number(values.trips),
  await loadBoard('demo-cart'),
  await loadCatalogue('config/catalogues/demo.json'),
);
const { faults, ...figures } = tally;
console.log(`trips by chance: ${JSON.stringify(figures)}`);
for (const fault of faults) console.log(`  ${fault}`);
bad += tally.wrong + (tally.unlisted - tally.unlistedAsked);

const trips = Math.ceil(Number(values.kills) / killsATrip);
for (let trip = 0; trip < trips; trip++) {
  const broker = await startMosquitto();
  try {
    const report = await shopThroughKills({
      brokerUrl: broker.url,
      kills: killsATrip,
      seed: firstSeed + trip,
      life: [100, 5_000],
      down: [50, 600],
    });
    const faultsHere = [
      ...report.gaps.map((sequence) => `sequence ${sequence} never came`),
      ...report.basketFaults,
      ...report.problems,
      ...report.score.wrongEvents.map((event) => `wrong ${event.type} ${event.product}`),
      ...report.unexplained.map((what) => `unexplained: ${what}`),
    ];
    bad += faultsHere.length;
    console.log(
      `kills ${(trip + 1) * killsATrip}: ${report.events} events, ${report.repeats} repeats removed by id, ` +
        `${report.score.questions} questions, ${faultsHere.length} faults`,
    );
    for (const fault of faultsHere) console.log(`  ${fault}`);
  } finally {
    await broker.remove();
  }
}
console.log(bad === 0 ? 'soak passed' : `soak failed: ${bad} faults`);
process.exitCode = bad === 0 ? 0 : 1;
