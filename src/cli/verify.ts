import { writeFile } from 'node:fs/promises';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { plainCause } from '#base/system-error.ts';
import { type CalibrationReport, plateVerdict, reportVerdict } from '#calibration/report/model.ts';
import { renderReport } from '#calibration/report/render.ts';
import { type TestName, testNames } from '#calibration/tests/types.ts';
import { type BrokerOptions, connectBroker, withBroker } from './broker.ts';
import { parseWeights } from './calibrate-script.ts';
import { CalibrationTalk, Refused } from './calibrate-talk.ts';
import { askDevice } from './call.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit.ts';
import { withKey } from './key-files.ts';
import { notice, printable, printJson } from './terminal.ts';
import { nameFrom } from './values.ts';
import { guideVerification, type TestPrompt, type TestReply, type Verifier } from './verify-guide.ts';

interface VerifyOptions extends BrokerOptions {
  readonly store: string;
  readonly plates?: string;
  readonly weights: string;
  readonly tests: readonly TestName[];
  readonly output?: string;
  readonly json?: boolean;
  readonly key?: string;
}

/** Creep takes half an hour: the lease is renewed meanwhile, and ends ten minutes after a lost connection. */
const leaseS = 600;
const answerWithinS = 30;
const connectWithinS = 10;
const usual: readonly TestName[] = ['linearity', 'eccentricity', 'repeatability'];

/** `cartwright verify`: verification tests, guided, with a report. */
export function registerVerify(program: Command): void {
  withBroker(
    withKey(program.command('verify'))
      .description('test the scales of a device with known weights, step by step, and write a report')
      .argument('<device>', 'cart or shelf')
      .requiredOption('-s, --store <name>', 'the store', nameFrom('--store'))
      .requiredOption('-w, --weights <list>', 'test weights at hand: 5kg,10kg or w1=5kg:M1,w2=10kg:M1'),
  )
    .option('--plates <list>', 'plates, with commas between; all with Max and e where left out')
    .option('--tests <list>', `of ${testNames.join(', ')}`, testsFrom, usual)
    .option('-o, --output <file>', 'where to write the report; DEVICE-verification.html where left out')
    .option('--json', 'prompts and the report as JSON lines; replies (done, skip, abort) are read as lines')
    .addHelpText(
      'after',
      `
Nothing is changed. Exit code 1 where a test failed or is not complete. docs/technician/verify.md says what the tests are.

Examples:
  scripts/cartwright verify cart-0001 -s demo-store --weights a=10kg:M1,b=10kg:M1,c=5kg:M1,d=2kg:M1,e=2kg:M1,f=1kg:M1
  scripts/cartwright verify cart-0001 -s demo-store --weights 10kg,5kg --tests creep,zero-return --key me.pem`,
    )
    .action(async (device: string, options: VerifyOptions) => {
      await verify(nameFrom('device')(device), options);
    });
}

function testsFrom(text: string): readonly TestName[] {
  return text.split(',').map((part) => {
    const test = testNames.find((name) => name === part.trim());
    if (test !== undefined) return test;
    const message = `--tests: there is no test ${JSON.stringify(part.trim())}; there are: ${testNames.join(', ')}`;
    throw new CliError('CW-CLI-001', message);
  });
}

async function verify(device: string, options: VerifyOptions): Promise<void> {
  const { store, tests, key, json, plates } = options;
  const weights = parseWeights(options.weights);
  const client = await connectBroker(options, connectWithinS);
  client.setMaxListeners(0);
  const ask: ConstructorParameters<typeof CalibrationTalk>[0] = (command, args) =>
    askDevice(client, { store, device, command, args, timeout: answerWithinS, key });
  const talk = new CalibrationTalk(ask);
  const verifier = new LineVerifier(device, json === true);
  const interrupted = () => {
    void talk.abort('it was interrupted').finally(() => process.exit(exitCodes.findings));
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const named = plates === undefined ? {} : { plates: plates.split(',').map((id) => id.trim()) };
    const report = await guideVerification(ask, talk, verifier, { ...named, weights, tests, leaseS });
    await tellReport(device, report, options);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(`refused: ${error.code} ${printable(error.message)}`);
    process.exitCode = exitCodes.findings;
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    talk.end();
    verifier.close();
    await client.endAsync(true);
  }
}

async function tellReport(
  device: string,
  report: CalibrationReport | undefined,
  { output, json }: VerifyOptions,
): Promise<void> {
  if (report === undefined) {
    process.exitCode = exitCodes.findings;
    notice(`${device}: ended before all was tested; nothing was changed.`);
    return;
  }
  if (reportVerdict(report) !== 'passed') process.exitCode = exitCodes.findings;
  if (json === true) return printJson({ device, report });
  for (const plate of report.plates) {
    process.stdout.write(`\nPlate ${printable(plate.id)}: ${plateVerdict(plate)}\n`);
    for (const { test, verdict, missing } of plate.tests) {
      const rest = missing.length === 0 ? '' : `; still needed: ${missing.join('; ')}`;
      process.stdout.write(`  ${test}: ${verdict}${printable(rest)}\n`);
    }
  }
  const file = output ?? `${device}-verification.html`;
  try {
    await writeFile(file, renderReport(report));
  } catch (cause) {
    throw new CliError('CW-CLI-004', `${file} can't be written: ${plainCause(cause)}`, { cause });
  }
  process.stdout.write(`${file}\n`);
}

/** Asks line by line: a person, or with JSON a program. Where nobody says anything any more it ends. */
class LineVerifier implements Verifier {
  readonly #device: string;
  readonly #json: boolean;
  readonly #reader: Interface;
  readonly #lines: AsyncIterator<string>;

  constructor(device: string, json: boolean) {
    this.#device = device;
    this.#json = json;
    this.#reader = createInterface({ input: process.stdin });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  close(): void {
    this.#reader.close();
  }

  nowS(): number {
    return performance.now() / 1_000;
  }

  async place(prompt: TestPrompt): Promise<TestReply> {
    const { number, of, text, inS = 0 } = prompt;
    if (this.#json) printJson({ device: this.#device, prompt });
    else process.stdout.write(`\n${number}/${of}  ${printable(text)}\n`);
    if (inS > 0) {
      if (!this.#json)
        process.stdout.write(`     in ${Math.floor(inS / 60)} min ${inS % 60} s, by itself …\n`);
      await sleep(inS * 1_000);
      // A load that stays is read when its time has come: nobody has to stand there.
      if (prompt.test === 'creep') return 'done';
    }
    if (!this.#json) process.stdout.write('     Enter: it lies still   s: leave this out   q: end\n');
    const { value, done } = await this.#lines.next();
    const line = done === true ? 'abort' : value.trim().toLowerCase();
    if (line === 'abort' || line === 'q') return 'abort';
    return line === 'skip' || line === 's' ? 'skip' : 'done';
  }

  tell(text: string): void {
    if (this.#json) printJson({ device: this.#device, note: text });
    else process.stdout.write(`     ${printable(text)}\n`);
  }
}
