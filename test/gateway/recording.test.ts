import test from 'ava';
import fc from 'fast-check';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { CartEvent } from '#events/event.ts';
import { DecisionLoop } from '#gateway/decisions.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import type { PipelineState } from '#pipeline/pipeline.ts';
import { makePipeline, token } from '#test/pipeline/support.ts';
import { expandText } from '#test/traces/support.ts';
import { TraceRecorder } from '#traces/recorder.ts';
import { settle } from './support.ts';

const bytes = (text: string) => Uint8Array.from(Buffer.from(text));

/** What devices deliver: `delayUs` after it happened; a mass stays for a while. */
const delivered = fc.record({
  waitUs: fc.integer({ min: 0, max: 1_500_000 }),
  delayUs: fc.integer({ min: 0, max: 60_000 }),
  what: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(0, 412_000, 905_000, 1_317_000) },
    { weight: 2, arbitrary: fc.constantFrom('4006381333931', '4011', token, '\u0000\uFEFF') },
    { weight: 1, arbitrary: fc.constantFrom({ command: 'session.end' }, { command: 'session.begin' }) },
    {
      weight: 2,
      arbitrary: fc.record({
        looks: fc.uniqueArray(fc.constantFrom('04006381333931', '4011', 'Melon'), { maxLength: 3 }),
        unknownPpm: fc.integer({ min: 0, max: 100_000 }),
      }),
    },
  ),
});
type Delivered = typeof delivered extends fc.Arbitrary<infer T> ? T : never;

interface Run {
  readonly events: CartEvent[];
  readonly lines: string[];
  readonly state: PipelineState;
}

/** A daemon's loop over what devices deliver, recorded as it goes. */
async function live(happenings: readonly Delivered[], startUs: number, state?: PipelineState): Promise<Run> {
  const clock = new VirtualClock(startUs);
  const events: CartEvent[] = [];
  const lines: string[] = [];
  const recorder = new TraceRecorder((line) => lines.push(line), {
    trace: 1,
    device: 'd',
    board: 'b',
    originUs: startUs,
  });
  const loop = new DecisionLoop({
    clock,
    log: silentLogger,
    stored: {},
    store: { store: () => Promise.resolve() },
    pipeline: (sink) => makePipeline(sink, { startUs, ...(state === undefined ? {} : { state }) }),
    onInput: (input) => recorder.input(input),
    onStored: (stored) => events.push(...stored),
    onBasket: () => {},
    onLost: (error) => {
      throw error;
    },
  });
  loop.start();
  let massMg = 0;
  for (const { waitUs, delayUs, what } of happenings) {
    for (const untilUs = clock.nowUs() + waitUs; clock.nowUs() < untilUs; ) {
      clock.advance(100_000);
      const atUs = clock.nowUs() - delayUs;
      loop.push({ kind: 'scale', source: 'scale', atUs, massMg, stable: true });
    }
    const atUs = clock.nowUs() - delayUs;
    if (typeof what === 'number') massMg = what;
    else if (typeof what === 'string') {
      loop.push({ kind: 'scan', source: 'handle', atUs, data: bytes(what), symbology: '' });
    } else if ('command' in what) void loop.command(what.command, {}, 't');
    else {
      const { looks, unknownPpm } = what;
      const candidates = looks.map((look) => ({ look, probabilityPpm: 300_000 }));
      const things = [{ change: 'came' as const, moved: false, candidates, unknownPpm, ambiguous: false }];
      const plate = 'basket';
      loop.push({ kind: 'sighting', source: 'camera', atUs, plate, outcome: 'seen', things });
    }
  }
  clock.advance(3_000_000);
  await loop.stop();
  await settle();
  recorder.end(loop.pipeline.nowUs);
  return { events, lines, state: loop.pipeline.saveState() };
}

function again({ lines }: Run, startUs: number, state?: PipelineState): CartEvent[] {
  const events: CartEvent[] = [];
  const pipeline = makePipeline((event) => events.push(event), {
    startUs,
    ...(state === undefined ? {} : { state }),
  });
  const { inputs, lastUs } = expandText(lines);
  for (const input of inputs as readonly PipelineInput[]) {
    if (input.kind === 'cell') pipeline.cell(input.source, input.atUs, input.counts, input.sequence);
    else pipeline.accept(input);
  }
  pipeline.advance(lastUs);
  return events;
}

test('A recording of a running gateway replays to the very events it decided, also from saved state', async (t) => {
  let items = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(delivered, { minLength: 1, maxLength: 12 }),
      fc.array(delivered, { maxLength: 12 }),
      async (before, after) => {
        const first = await live(before, 7_000_000);
        const saved = JSON.parse(JSON.stringify(first.state)) as PipelineState;
        const second = await live(after, 123_000, saved);
        for (const [run, replayed] of [
          [first, again(first, 7_000_000)],
          [second, again(second, 123_000, saved)],
        ] as const) {
          items += run.events.filter(({ type }) => type.startsWith('item.')).length;
          if (JSON.stringify(run.events) !== JSON.stringify(replayed)) throw new Error(run.lines.join('\n'));
        }
      },
    ),
    { numRuns: 60, seed: 20260109 },
  );
  t.true(items > 100, `${items} item events`);
});
