import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, runTests } from './children.ts';
import type { CountedProperty } from './count-inputs.ts';
import type { SoakOptions, Stage } from './stage.ts';

/** How a test says that the number of its inputs can be set: by the variable itself, or through a helper that reads it. */
const counts = /\bCARTWRIGHT_FUZZ_RUNS\b|\bfuzzRuns\b/;

interface FileOutcome {
  readonly properties: number;
  readonly inputs: number;
  readonly faults: readonly string[];
  /** The runner's own words, which say what input a property failed on. */
  readonly details: readonly string[];
}

/** Every property test of a parser, with a million inputs for each property. */
export const fuzzStage: Stage = {
  name: 'fuzz',
  about: 'each property of the parsers of what comes from outside, with a million inputs',
  async run(options, say) {
    const files = fuzzFiles();
    const faults: string[] = [];
    const details: string[] = [];
    const total = { properties: 0, inputs: 0 };
    const waiting = [...files];
    const work = async () => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
        const started = performance.now();
        const outcome = await fuzz(file, options);
        total.properties += outcome.properties;
        total.inputs += outcome.inputs;
        faults.push(...outcome.faults);
        details.push(...outcome.details);
        const seconds = Math.round((performance.now() - started) / 1000);
        say(
          `fuzz ${file}: ${outcome.properties} properties, ${outcome.inputs.toLocaleString('en-US')} inputs, ` +
            `${outcome.faults.length} failures, ${seconds} s`,
        );
      }
    };
    await Promise.all(Array.from({ length: Math.max(1, options.jobs) }, work));
    if (files.length === 0) faults.push('no test reads CARTWRIGHT_FUZZ_RUNS');
    const inputs = total.inputs.toLocaleString('en-US');
    return {
      summary: `${files.length} files, ${total.properties} properties, ${inputs} inputs`,
      faults,
      details,
    };
  },
};

/** The test files whose number of inputs can be set. */
function fuzzFiles(): string[] {
  return globSync('test/**/*.test.ts', { cwd: root })
    .filter((file) => counts.test(readFileSync(join(root, file), 'utf8')))
    .sort();
}

async function fuzz(file: string, { inputs }: SoakOptions): Promise<FileOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-soak-'));
  try {
    const counted = join(folder, 'inputs');
    const { verdict, lines } = await runTests('test/soak/ava.config.js', [file], {
      CARTWRIGHT_FUZZ_RUNS: String(inputs),
      CARTWRIGHT_SOAK_INPUTS: counted,
    });
    const properties = await readCounts(counted);
    const faults = verdict.failures.map((failure) =>
      failure.startsWith(file) ? failure : `${file}: ${failure}`,
    );
    if (properties.length === 0) faults.push(`${file}: no property was tried`);
    return {
      properties: properties.length,
      inputs: properties.reduce((sum, property) => sum + property.inputs, 0),
      faults,
      details: verdict.failures.length > 0 ? lines.slice(-60) : [],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readCounts(path: string): Promise<CountedProperty[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CountedProperty);
}
