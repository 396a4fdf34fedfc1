import { createRandom } from '#base/random.ts';
import { Lookup } from '#vision/gallery/lookup.ts';
import { bestLooks } from '#vision/gallery/recognize.ts';
import type { BenchContext, Part } from './support/part.ts';
import { runNode } from './support/processes.ts';
import { measured } from './support/report.ts';

const name = 'gallery';
const dimensions = 256;
const products = 10_000;
const perProduct = 5;

interface LookupTimes {
  /** ms of single look-ups, and of the same in a plain loop. */
  readonly lookUp: number[];
  readonly plain: number[];
  readonly bytes: number;
}

/** A look-up in a full gallery, at one thread. */
export const galleryPart: Part = {
  name,
  about: 'ms to look one embedding up in a gallery of 10,000 products of 5 references',
  async run(context: BenchContext) {
    const { value } = await runNode<LookupTimes>([import.meta.filename, context.quick ? '50' : '500']);
    const note = `${products * perProduct} references of ${dimensions} bytes, ${(value.bytes / 1e6).toFixed(1)} MB; one thread`;
    return [
      measured(name, 'look-up, eight best', 'ms CPU', value.lookUp, { goal: { atMost: 2 }, note }),
      measured(name, 'the same in a plain loop', 'ms CPU', value.plain),
      measured(
        name,
        'plain loop ÷ look-up',
        '×',
        value.plain.map((ms, run) => ms / (value.lookUp[run] ?? Number.NaN)),
      ),
    ];
  },
};

function measure(runs: number): LookupTimes {
  const random = createRandom(1);
  const matrix = Int8Array.from({ length: products * perProduct * dimensions }, () => random.integer(17) - 8);
  const looks = Array.from({ length: products }, (_, index) => ({
    look: `${index}`.padStart(14, '0'),
    references: perProduct,
    pictures: perProduct,
  }));
  const lookup = new Lookup({ space: '00'.repeat(32), dimensions, looks, matrix });
  const query = Int8Array.from({ length: dimensions }, () => random.integer(17) - 8);
  // Processor time, so that what else runs on the machine counts as little as it can.
  const timed = (work: () => void) => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  const times: LookupTimes = { lookUp: [], plain: [], bytes: lookup.bytes };
  for (let run = -5; run < runs; run++) {
    // One after the other, so that what else runs on the machine meets both.
    const lookUp = timed(() => bestLooks(lookup, query));
    const plain = timed(() => plainBest(matrix, query));
    if (run < 0) continue;
    times.lookUp.push(lookUp);
    times.plain.push(plain);
  }
  return times;
}

/** What one would write first: the largest sum of products of each look. */
function plainBest(matrix: Int8Array, query: Int8Array): Float32Array {
  const best = new Float32Array(products).fill(Number.NEGATIVE_INFINITY);
  let at = 0;
  for (let look = 0; look < products; look++) {
    for (let reference = 0; reference < perProduct; reference++) {
      let dot = 0;
      for (let i = 0; i < dimensions; i++) dot += (matrix[at++] ?? 0) * (query[i] ?? 0);
      if (dot > (best[look] ?? 0)) best[look] = dot;
    }
  }
  return best;
}

if (import.meta.main) console.log(JSON.stringify(measure(Number(process.argv[2] ?? 50))));
