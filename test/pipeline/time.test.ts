import test from 'ava';
import fc from 'fast-check';
import type { CartEvent } from '#events/event.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import { makePipeline, token } from './support.ts';

const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
const seconds = fc.integer({ min: 0, max: 3_000_000 });

/** A few seconds of one thing: a mass that lies still, a code, a command, a fault. */
const happening: fc.Arbitrary<(atUs: number) => PipelineInput[]> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .record({
        massMg: fc.constantFrom(0, 412_000, 824_000, 905_000, 1_300_000),
        times: fc.integer({ min: 1, max: 8 }),
      })
      .map(
        ({ massMg, times }) =>
          (atUs: number) =>
            Array.from({ length: times }, (_, i) => ({
              kind: 'scale' as const,
              source: 'scale',
              atUs: atUs + i * 200_000,
              massMg,
              stable: true,
            })),
      ),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('4006381333931', '4011', token, 'nonsense')
      .map((text) => (atUs: number) => [
        { kind: 'scan' as const, source: 'handle', atUs, data: bytes(text), symbology: '' },
      ]),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(
        { command: 'session.begin', args: {} },
        { command: 'session.end', args: {} },
        { command: 'item.identify', args: { plu: '4011' } },
        { command: 'tare', args: { plate: 'basket' } },
      )
      .map((command) => (atUs: number) => [{ kind: 'command' as const, atUs, ...command }]),
  },
  {
    weight: 1,
    arbitrary: fc.boolean().map((cleared) => (atUs: number) => [
      {
        kind: 'device-fault' as const,
        source: 'scale',
        atUs,
        fault: { fault: 'disconnected' as const, code: 'CW-DRV-005', message: 'gone', cleared },
      },
    ]),
  },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 1.7e12, max: 1.8e12 })
      .map((utcMs) => (atUs: number) => [
        { kind: 'clock' as const, atUs, utcMs, quality: 'synced' as const },
      ]),
  },
);

const trip = fc.array(fc.tuple(seconds, happening), { maxLength: 25 }).map((parts) => {
  const inputs: PipelineInput[] = [];
  let atUs = 1_000;
  for (const [waitUs, make] of parts) {
    atUs += waitUs;
    const made = make(atUs);
    inputs.push(...made);
    atUs = Math.max(atUs, ...made.map((input) => input.atUs));
  }
  return inputs;
});

test('What falls due happens at its own time, however time is let pass', (t) => {
  let decided = 0;
  fc.assert(
    fc.property(
      trip,
      fc.array(fc.integer({ min: 0, max: 80_000_000 }), { maxLength: 200 }),
      (inputs, stops) => {
        const endUs = (inputs.at(-1)?.atUs ?? 0) + 30_000_000;
        const plain: CartEvent[] = [];
        const one = makePipeline((event) => plain.push(event));
        for (const input of inputs) one.accept(input);
        one.advance(endUs);

        const split: CartEvent[] = [];
        const other = makePipeline((event) => split.push(event));
        const waits = stops.filter((atUs) => atUs < endUs).sort((a, b) => a - b);
        for (const input of inputs) {
          while ((waits[0] ?? Number.POSITIVE_INFINITY) <= input.atUs) other.advance(waits.shift() ?? 0);
          other.accept(input);
        }
        for (const atUs of waits) other.advance(atUs);
        other.advance(endUs);

        decided += plain.filter(({ type }) => type.startsWith('item.')).length;
        const [a, b] = [plain, split].map((events) =>
          events.map((event) => JSON.stringify(event)).join('\n'),
        );
        if (a !== b) throw new Error(`${a}\n\nis not\n\n${b}`);
        if (JSON.stringify(one.saveState()) !== JSON.stringify(other.saveState()))
          throw new Error('states differ');
        const times = plain.map(({ atUs }) => atUs);
        if (times.some((atUs, index) => atUs < (times[index - 1] ?? 0))) throw new Error('time goes back');
      },
    ),
    { numRuns: 150, seed: 20260107 },
  );
  t.true(decided > 150, `${decided} decisions`);
});
