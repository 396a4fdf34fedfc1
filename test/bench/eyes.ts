import { readMachine } from '#cli/vision-machine.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { findTool } from '#test/tools.ts';
import { picture } from './eyes/config.ts';
import { type Memory, together } from './eyes/memory.ts';
import { type EyesOutcome, type EyesWindow, runEyes } from './eyes/run.ts';
import type { Side } from './eyes/timeline.ts';
import type { BenchContext, Part, PartResult } from './support/part.ts';
import { measured, type Row } from './support/report.ts';
import { median } from './support/statistics.ts';

const name = 'eyes';
const megabytes = (bytes: number) => bytes / 1e6;

/** What the eyes cost the gateway: its main thread's time, and memory. */
export const eyesPart: Part = {
  name,
  about: `the gateway's main thread while a camera (${picture.width} × ${picture.height}) looks and while none does; memory with the model`,
  async run(context: BenchContext): Promise<PartResult> {
    if (findTool('mosquitto') === undefined) return [{ part: name, why: 'mosquitto is not installed' }];
    const broker = await startMosquitto();
    try {
      const outcome = await runEyes(context, broker.url, context.quick ? 1 : 6);
      const { processor, instructions } = await readMachine();
      return [...stalls(outcome, `${processor}: ${instructions.join(' ')}`), ...memory(outcome)];
    } finally {
      await broker.remove();
    }
  },
};

function stalls({ windows }: EyesOutcome, machine: string): Row[] {
  const of = (side: Side) => windows.filter((window) => window.side === side);
  const late = (side: Side) => of(side).map(({ delayMs }) => delayMs.p99);
  const most = (side: Side, pick: (window: EyesWindow) => number) => Math.max(...of(side).map(pick));
  const note = (side: Side) =>
    `median ${most(side, ({ delayMs }) => delayMs.p50).toFixed(1)} ms, at most ${Math.round(most(side, ({ delayMs }) => delayMs.max))} ms; ${median(of(side).map(({ movements }) => movements))} movements and ${median(of(side).map(({ sightings }) => sightings))} sightings a window; ready and without a processor ${(100 * most(side, ({ waitedShare }) => waitedShare)).toFixed(1)} % of the time`;
  const apart = late('apart');
  return [
    measured(name, 'event loop later than due, 99 %, nobody looks', 'ms', apart, { note: note('apart') }),
    measured(name, 'the same while a camera looks', 'ms', late('seen'), { note: note('seen') }),
    measured(
      name,
      'added by looking',
      'ms',
      late('seen').map((value, round) => value - (apart[round] ?? Number.NaN)),
      { goal: { atMost: 5 }, note: `the same plates' movements in turn, in one run; ${machine}` },
    ),
    measured(
      name,
      'the vision process while a camera looks',
      '% of a core',
      of('seen').map(({ visionShare }) => 100 * visionShare),
    ),
    measured(
      name,
      'the vision process at rest',
      '% of a core',
      of('apart').map(({ visionShare }) => 100 * visionShare),
    ),
  ];
}

function memory({ gateway, vision }: EyesOutcome): Row[] {
  const own = ({ own: bytes }: Memory) =>
    `${Math.round(megabytes(bytes))} MB its own, the rest pages of program files`;
  const both = {
    part: name,
    what: 'memory, both, pages of files that both map counted once',
    unit: 'MB',
    value: megabytes(together([gateway, vision])),
    goal: { atMost: 250 },
  };
  const row = (what: string, one: Memory): Row => ({
    part: name,
    what: `memory (RSS), ${what}`,
    unit: 'MB',
    value: megabytes(one.rss),
    note: own(one),
  });
  return [row('gateway', gateway), row('vision process with model and gallery', vision), both];
}
