import type { Command } from 'commander';
import type { MqttClient } from 'mqtt';
import { describeError, isCoded } from '#base/errors.ts';
import { liveWeight } from '#events/mqtt-payloads.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { devicePrefix } from '#uplink/topics.ts';
import { type BrokerOptions, connectBroker, withBroker } from './broker.ts';
import { guideCalibration, type Job, type Outcome, type Technician } from './calibrate-guide.ts';
import { type CalibrationScript, parseWeights, readCalibrationScript } from './calibrate-script.ts';
import { CalibrationTalk, Refused } from './calibrate-talk.ts';
import {
  LineTechnician,
  type LiveMass,
  ScriptTechnician,
  sayPlainly,
  TerminalTechnician,
  withCode,
} from './calibrate-technicians.ts';
import { askDevice } from './call.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit.ts';
import { withKey } from './key-files.ts';
import { notice, printable, printJson } from './terminal.ts';
import { integerFrom, nameFrom } from './values.ts';

interface CalibrateOptions extends BrokerOptions {
  readonly store: string;
  readonly plates?: string;
  readonly weights?: string;
  readonly model: 'zero' | 'span' | 'full';
  readonly script?: string;
  readonly atOnce: number;
  readonly json?: boolean;
  readonly key?: string;
  readonly force?: string;
}

/** A session that nobody renews ends after this, s: a closed laptop leaves the scale as it was. */
const leaseS = 120;
/** A step waits for rest for up to 15 s and is then measured. */
const answerWithinS = 30;
const connectWithinS = 10;

/** `cartwright calibrate`: guided, or by a script, one device or many. */
export function registerCalibrate(program: Command): void {
  withBroker(
    withKey(program.command('calibrate'))
      .description('calibrate the scales of devices, step by step')
      .argument('<devices...>', 'carts or shelves, one after the other')
      .requiredOption('-s, --store <name>', 'the store', nameFrom('--store')),
  )
    .option('--plates <list>', 'plates, with commas between; all that stand on cells where left out')
    .option(
      '-w, --weights <list>',
      'test weights at hand: 5kg,10kg or with name and class w1=5kg:M1,w2=10kg:M1',
    )
    .option(
      '--model <name>',
      'full: span and corners; span: without corners; zero: the empty plate alone',
      modelFrom,
      'full',
    )
    .option(
      '--force <reason>',
      'cells were changed, say: take a zero or a span far from the former one, with this on record',
    )
    .option('--script <file>', 'do it unattended, as a YAML file says')
    .option(
      '--at-once <count>',
      'with --script: so many devices at the same time',
      integerFrom('--at-once', 1, 500),
      1,
    )
    .option(
      '--json',
      'prompts and results as JSON lines; replies (done, undo, abort, yes, no) are read as lines',
    )
    .addHelpText(
      'after',
      `
Nothing changes before the last question is answered with yes: quit, close the terminal or lose the network, and the scale stays as it was.
Beyond loopback the commands have to be signed with a technician's key (--key). Exit code 1 where a device was not calibrated.

Examples:
  scripts/cartwright calibrate cart-0001 -s demo-store --weights 5kg,10kg,20kg
  scripts/cartwright calibrate shelf-0001 -s demo-store --plates slot-1,slot-2 --weights 1kg,2kg,5kg --key me.pem
  scripts/cartwright calibrate cart-0001 cart-0002 -s demo-store --script weights.yaml --json`,
    )
    .action(async (devices: string[], options: CalibrateOptions) => {
      const readName = nameFrom('devices');
      await calibrate(devices.map(readName), options);
    });
}

function modelFrom(text: string): 'zero' | 'span' | 'full' {
  if (text === 'zero' || text === 'span' || text === 'full') return text;
  throw new CliError('CW-CLI-001', `--model ${JSON.stringify(text)}: must be full, span or zero`);
}

async function calibrate(devices: readonly string[], options: CalibrateOptions): Promise<void> {
  const script = options.script === undefined ? undefined : await readCalibrationScript(options.script);
  const job = jobOf(options, script);
  if (script === undefined && options.json !== true && process.stdin.isTTY !== true) {
    throw new CliError(
      'CW-CLI-001',
      'there is no terminal to ask at; use --script for unattended work, or --json to answer by lines',
    );
  }
  const client = await connectBroker(options, connectWithinS);
  // One for each answer that is waited for.
  client.setMaxListeners(0);
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const left = [...devices];
    const work = async () => {
      for (let device = left.shift(); device !== undefined; device = left.shift()) {
        await oneDevice(client, device, job, options, script);
      }
    };
    // People do one after the other; scripts may do many.
    const hands = script === undefined ? 1 : options.atOnce;
    await Promise.all(Array.from({ length: Math.min(hands, devices.length) }, work));
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await client.endAsync(true);
  }
}

/** Sessions that are under way. */
const talks = new Set<CalibrationTalk>();

/** Ctrl-C beside a prompt, or from outside: all scales stay as they were. */
function interrupted(): void {
  void Promise.all([...talks].map((talk) => talk.abort('it was interrupted'))).finally(() =>
    process.exit(exitCodes.findings),
  );
}

/** Throws CW-CLI-001. */
function jobOf(options: CalibrateOptions, script: CalibrationScript | undefined): Job {
  const plates = script?.plates ?? options.plates?.split(',').map((id) => id.trim());
  const weights = script?.weights ?? (options.weights === undefined ? [] : parseWeights(options.weights));
  const model = script?.model ?? options.model;
  if (weights.length === 0 && model !== 'zero') {
    throw new CliError('CW-CLI-001', 'name the test weights at hand: --weights 5kg,10kg');
  }
  return {
    ...(plates === undefined ? {} : { plates }),
    ...{ weights, model, leaseS },
    ...(options.force === undefined ? {} : { force: options.force }),
    mostRefusals: script?.tries ?? Number.POSITIVE_INFINITY,
  };
}

/** Never rejects: what went wrong with one device keeps nobody from the next. */
async function oneDevice(
  client: MqttClient,
  device: string,
  job: Job,
  options: CalibrateOptions,
  script: CalibrationScript | undefined,
): Promise<void> {
  const place = { store: options.store, device };
  const talk = new CalibrationTalk((command, args, transaction) =>
    askDevice(client, {
      ...{ ...place, command, args, timeout: answerWithinS, key: options.key },
      ...(transaction === undefined ? {} : { transaction }),
    }),
  );
  talks.add(talk);
  // Only a person looks at it.
  const live = script === undefined && options.json !== true ? await followMass(client, place) : nobodyLooks;
  const technician = technicianFor(device, options, script, live.of);
  try {
    if (options.json !== true && script === undefined) process.stdout.write(`\n${device}\n`);
    tellOutcome(device, await guideCalibration(talk, technician, job), options);
  } catch (error) {
    process.exitCode =
      error instanceof CliError && error.code === 'CW-CLI-003' ? exitCodes.unreachable : exitCodes.findings;
    const code = error instanceof Refused || isCoded(error) ? error.code : 'CW-CLI-006';
    if (options.json === true) printJson({ device, outcome: 'failed', code, message: describeError(error) });
    else notice(`${device}: ${printable(withCode(code, describeError(error)))}`);
  } finally {
    talks.delete(talk);
    talk.end();
    if (technician instanceof LineTechnician) technician.close();
    await live.stop();
  }
}

function technicianFor(
  device: string,
  { json }: CalibrateOptions,
  script: CalibrationScript | undefined,
  live: (plate: string) => LiveMass | undefined,
): Technician {
  if (script !== undefined)
    return new ScriptTechnician(device, script, json === true ? printJson : sayPlainly);
  return json === true ? new LineTechnician(device) : new TerminalTechnician(live);
}

function tellOutcome(device: string, outcome: Outcome, { json }: CalibrateOptions): void {
  if (outcome.outcome === 'aborted') process.exitCode = exitCodes.findings;
  if (json === true) printJson({ device, ...outcome });
  else if (outcome.outcome === 'committed') {
    process.stdout.write(
      `${device}: calibrated, revision ${outcome.revision} is in force for ${outcome.plates.join(', ')}.\n`,
    );
  } else {
    process.stdout.write(`${device}: nothing was changed: ${printable(outcome.why)}.\n`);
  }
}

const nobodyLooks = { of: () => undefined, stop: async () => {} };

/** Newest live mass of each plate, as long as somebody sends it. */
async function followMass(client: MqttClient, place: { readonly store: string; readonly device: string }) {
  const topic = `${devicePrefix(place)}/live/weight`;
  const masses = new Map<string, LiveMass & { readonly atMs: number }>();
  const listen = (from: string, payload: Buffer) => {
    if (from !== topic) return;
    try {
      for (const { plate, grossMg, stable, moving } of decodePayload(liveWeight, payload).plates) {
        masses.set(plate, { grossMg, stable: stable && !moving, atMs: performance.now() });
      }
    } catch {
      // Anybody may publish there: what is none is passed over, and the line says that nothing comes.
    }
  };
  client.on('message', listen);
  await client.subscribeAsync(topic, { qos: 0 });
  return {
    of: (plate: string) => {
      const mass = masses.get(plate);
      return mass === undefined || performance.now() - mass.atMs > staleMs ? undefined : mass;
    },
    stop: async () => {
      client.removeListener('message', listen);
      await client.unsubscribeAsync(topic).catch(() => undefined);
    },
  };
}

/** Ten of them come a second, ms. */
const staleMs = 2_000;
