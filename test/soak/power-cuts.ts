import { openBench } from '#test/boot/bench.ts';
import { cutPowerAgain } from '#test/boot/power-cuts.ts';
import type { SoakOptions, Stage } from './stage.ts';

/** Cuts on one disk, of which the second half is of an update; then a fresh one. */
const cutsADisk = 20;

/** Whole machines whose power is cut at random moments; minutes each where processors are emulated. */
export const powerCutsStage: Stage = {
  name: 'power-cuts',
  about: 'the power of whole machines cut while they trade and while they take a release',
  async run({ cuts, seed }: SoakOptions, say) {
    const bench = await openBench(say);
    const figures: string[] = [];
    try {
      for (let done = 0; done < cuts; done += cutsADisk) {
        const some = Math.min(cutsADisk, cuts - done);
        const lines = await cutPowerAgain(bench, { cuts: some, seed: seed + done, say });
        const summary = lines.filter((line) => / cuts, /.test(line)).join('; ');
        await bench.clear();
        say(`power-cuts ${done + some}: ${summary}`);
        figures.push(summary);
      }
      return { summary: `${cuts} cuts: ${figures.join('; ')}`, faults: [] };
    } catch (error) {
      const faults = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
      return { summary: figures.join('; '), faults };
    } finally {
      await bench.close();
    }
  },
};
