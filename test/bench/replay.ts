import { join } from 'node:path';
import { openTrace } from '#traces/reader.ts';
import { replay } from '#traces/replay.ts';
import { loadReplaySetup } from '#traces/setup.ts';
import type { BenchContext, Part } from './support/part.ts';
import { runNode } from './support/processes.ts';
import { measured } from './support/report.ts';
import { recordTrips } from './trace.ts';

const name = 'replay';
const goal = { atLeast: 200 };

/** How many times faster than real time a recorded cart is decided on again. */
export const replayPart: Part = {
  name,
  about: 'speed of `cartwright replay` as a multiple of real time, fresh process and warm',
  async run(context: BenchContext) {
    const trips = context.quick ? 2 : 10;
    context.say(`recording ${trips} trips of the demo cart`);
    const trace = await recordTrips(join(context.folder, 'trips'), trips);
    const about = `${Math.round(trace.seconds)} s, ${trace.cellSamples} cell samples`;
    const fresh: number[] = [];
    const inside: number[] = [];
    for (let run = 0; run < (context.quick ? 1 : 5); run++) {
      context.say(`replaying ${about} in a fresh process`);
      const { value, wallMs } = await runNode<{ wallUs: number }>([
        'src/cli/main.ts',
        'replay',
        trace.path,
        '--json',
      ]);
      fresh.push(trace.seconds / (wallMs / 1_000));
      inside.push(trace.seconds / (value.wallUs / 1_000_000));
    }
    context.say('replaying it in a warm process');
    const { value: warm } = await runNode<number[]>([
      import.meta.filename,
      trace.path,
      context.quick ? '2' : '6',
    ]);
    return [
      measured(name, `fresh process, start to exit, ${about}`, '× real time', fresh, { goal }),
      measured(name, 'fresh process, from its first read on', '× real time', inside, { goal }),
      measured(name, 'the same process again', '× real time', warm.slice(1), { goal }),
    ];
  },
};

/** Replays a trace `times` times in this process; answers with the multiples of real time. */
async function replayAgain(path: string, times: number): Promise<number[]> {
  const speeds: number[] = [];
  for (let run = 0; run < times; run++) {
    const began = performance.now();
    const reader = await openTrace(path);
    const result = await replay(reader, await loadReplaySetup(path, reader.header), () => {});
    speeds.push(result.durationUs / 1_000 / (performance.now() - began));
  }
  return speeds;
}

if (import.meta.main) {
  const [path = '', times = '6'] = process.argv.slice(2);
  console.log(JSON.stringify(await replayAgain(path, Number(times))));
}
