import { startMosquitto } from '#test/support/mosquitto.ts';
import { findTool } from '#test/tools.ts';
import { picture } from './load/config.ts';
import { burstReports, type Load, type LoadOutcome, runLoad, samplesPerSecond } from './load/run.ts';
import type { BenchContext, Part, PartResult } from './support/part.ts';
import { measured, type Row } from './support/report.ts';

const name = 'load';

/** Each with what the one before has, so that the difference is what the new one costs. */
const steps = ['nothing', 'cells', 'scanner', 'camera'] as const;
type Step = (typeof steps)[number];
const loadOf = (step: Step): Load => ({
  cells: step !== 'nothing',
  scanner: step === 'scanner' || step === 'camera',
  camera: step === 'camera',
  recorded: false,
});

/** The whole gateway process under the heaviest load that its devices can make together. */
export const loadPart: Part = {
  name,
  about: `the whole gateway on 8 cells × ${samplesPerSecond} SPS, scanner bursts of ${burstReports} reports and a camera`,
  async run(context: BenchContext): Promise<PartResult> {
    if (findTool('mosquitto') === undefined) return [{ part: name, why: 'mosquitto is not installed' }];
    const broker = await startMosquitto();
    try {
      const rounds = context.quick ? 1 : 3;
      const windowMs = context.quick ? 5_000 : 20_000;
      const outcomes = new Map<Step, LoadOutcome[]>(steps.map((step) => [step, []]));
      for (let round = 0; round < rounds; round++) {
        // In turn from either end, so that what the machine does meanwhile falls on all alike.
        for (const step of round % 2 === 0 ? steps : [...steps].reverse()) {
          context.say(`load: ${step}, round ${round + 1} of ${rounds}`);
          outcomes.get(step)?.push(await runLoad(loadOf(step), context, broker.url, windowMs));
        }
      }
      context.say('load: everything, recorded to be counted');
      const counted = await runLoad({ ...loadOf('camera'), recorded: true }, context, broker.url, windowMs);
      return [...costs(outcomes), ...losses([...(outcomes.get('camera') ?? []), counted], counted)];
    } finally {
      await broker.remove();
    }
  },
};

/** Processor time of everything, and of that what each kind of device adds. */
function costs(outcomes: ReadonlyMap<Step, readonly LoadOutcome[]>): Row[] {
  const percent = (step: Step) => (outcomes.get(step) ?? []).map(({ cpuShare }) => 100 * cpuShare);
  const added = (step: Step, before: Step) =>
    percent(step).map((share, round) => share - (percent(before)[round] ?? Number.NaN));
  const unit = '% of a core';
  const all = outcomes.get('camera') ?? [];
  const most = (pick: (run: LoadOutcome) => number) => Math.max(...all.map(pick));
  return [
    measured(name, 'the gateway under the whole load', unit, percent('camera'), {
      note: 'all threads of the process, its disk and MQTT included; the far ends run in processes of their own',
    }),
    measured(name, 'of that: nothing attached', unit, percent('nothing')),
    measured(name, `of that: 8 cells × ${samplesPerSecond} SPS`, unit, added('cells', 'nothing')),
    measured(
      name,
      `of that: ${burstReports} scanner reports every 5 s, 1 a ms`,
      unit,
      added('scanner', 'cells'),
    ),
    measured(
      name,
      `of that: ${picture.width} × ${picture.height} YUV420 at ${picture.framesPerSecond}/s`,
      unit,
      added('camera', 'scanner'),
      { note: 'delivered by a simulated camera and not looked at' },
    ),
    measured(
      name,
      'event loop later than due, 99 %',
      'ms',
      all.map(({ delayMs }) => delayMs.p99),
      {
        note: `median ${most(({ delayMs }) => delayMs.p50).toFixed(1)} ms, at most ${Math.round(most(({ delayMs }) => delayMs.max))} ms; ready and without a processor ${(100 * most(({ waitedShare }) => waitedShare)).toFixed(1)} % of the time`,
      },
    ),
  ];
}

/** What was sent and did not arrive; `counted` is the run that was recorded. */
function losses(runs: readonly LoadOutcome[], counted: LoadOutcome): Row[] {
  const sum = (pick: (run: LoadOutcome) => number) => runs.reduce((total, run) => total + pick(run), 0);
  const { samplesSent = Number.NaN, samplesDecided = Number.NaN, samplesMissing = Number.NaN } = counted;
  const row = (what: string, unit: string, value: number, note: string): Row => ({
    part: name,
    what,
    unit,
    value,
    goal: { atMost: 0 },
    note,
  });
  return [
    row(
      'samples sent and not decided on',
      'samples',
      // One that is missing in between must not hide behind one that came twice.
      Math.max(Math.abs(samplesSent - samplesDecided), samplesMissing),
      `${samplesSent} sent, ${samplesDecided} decided on, ${samplesMissing} missing in between`,
    ),
    row(
      'codes sent and not published',
      'codes',
      sum((run) => run.codesLost),
      `${sum((run) => run.codesSent)} codes in ${sum((run) => run.reports)} reports`,
    ),
    row(
      'frames dropped',
      'frames',
      sum((run) => run.framesDropped),
      `${sum((run) => run.frames)} delivered`,
    ),
    {
      part: name,
      what: 'inputs whose time was not kept',
      unit: '% of the samples',
      value: (100 * counted.late) / samplesDecided,
      note: `${counted.late} of the recorded run; they came more than 40 ms after their time and were moved to the time already reached; main thread without a processor ${(100 * counted.waitedShare).toFixed(1)} % of the time`,
    },
  ];
}
