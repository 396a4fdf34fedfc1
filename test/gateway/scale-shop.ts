import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { Care } from '#calibration/diagnosis/care.ts';
import { sealRequest } from '#commands/sealed.ts';
import { LiveWorld } from '#drivers/virtual/live-world.ts';
import type { CartEvent } from '#events/event.ts';
import type { Infer, PlainMap } from '#events/fields.ts';
import { requestPayload, responsePayload } from '#events/mqtt-payloads.ts';
import { Auditor } from '#gateway/audit.ts';
import { CalibrationKeeper } from '#gateway/calibration-keeper.ts';
import { GatewayDesk } from '#gateway/command-desk.ts';
import { CommandWatch } from '#gateway/command-watch.ts';
import { DecisionLoop } from '#gateway/decisions.ts';
import { startPipeline } from '#gateway/pipeline-setup.ts';
import { RefusedOutcome } from '#gateway/refused.ts';
import { calibratedSetup, type GatewaySetup, loadSetup } from '#gateway/setup.ts';
import type { StateChanges } from '#gateway/state.ts';
import { Technician } from '#gateway/technician.ts';
import { verifyAudit } from '#identity/audit-log.ts';
import type { KeyEntry } from '#identity/key-list.ts';
import { KeyRing } from '#identity/key-ring.ts';
import type { PrivateKey } from '#identity/keys.ts';
import { loadScenarioFiles } from '#simulation/files.ts';
import { loadScenario } from '#simulation/scenario.ts';
import { listOf } from '#test/identity/support.ts';
import { type GatewayFolder, makeGatewayFolder } from '#test/support/gateway.ts';
import { decodePayload, encodePayload } from '#uplink/payloads.ts';
import { settle } from './support.ts';

export interface Sent {
  readonly transaction?: string;
  readonly issued?: number;
  readonly expires?: number;
  readonly retained?: boolean;
  /** Signs for this command in place of the one that it is sent as. */
  readonly signedFor?: string;
}

type Answered = Infer<typeof responsePayload> & { readonly data?: PlainMap };

/** One start of the device: everything between its world and its disk, but for broker and outbox. */
interface Running {
  readonly loop: DecisionLoop;
  readonly technician: Technician;
  readonly desk: GatewayDesk;
  readonly auditor: Auditor;
  stopped: boolean;
}

/**
 * A virtual cart in virtual time, with its world, pipeline, technician's part, desk, keys and audit log, on a disk that is a plain
 * object: what one write holds is there together, or not at all.
 */
export class ScaleShop {
  readonly clock = new VirtualClock(1_000_000, Date.UTC(2026, 10, 22, 10));
  readonly world: LiveWorld;
  readonly events: CartEvent[] = [];
  state: Record<string, string> = {};
  #running: Running | undefined;
  #boot = 0;
  readonly #folder: GatewayFolder;
  readonly #setup: GatewaySetup;
  readonly #ring = new KeyRing();
  readonly #published: Infer<typeof responsePayload>[] = [];
  #transactions = 0;

  static async open(entries: readonly KeyEntry[], hardwareSeed = 1): Promise<ScaleShop> {
    const folder = await makeGatewayFolder({
      brokerUrl: 'mqtts://broker.my-store.example',
      scenario: 'demo-trip',
      config: { calibrationWarmUpS: 0 },
    });
    const setup = await loadSetup(folder.configPath, {});
    const dataFolder = await mkdtemp(join(tmpdir(), 'scale-shop-'));
    const scenario = await loadScenario(resolve('config/scenarios/demo-trip.yaml'));
    const files = await loadScenarioFiles(scenario);
    const shop = new ScaleShop({ folder, setup: { ...setup, dataFolder } }, (clock) => {
      const options = { scenario, files, seed: 1, hardwareSeed, speed: 1, loop: false, tickUs: 20_000 };
      return new LiveWorld(options, clock);
    });
    shop.#ring.set('file', listOf(entries));
    await shop.start();
    return shop;
  }

  private constructor(
    parts: { readonly folder: GatewayFolder; readonly setup: GatewaySetup },
    world: (clock: VirtualClock) => LiveWorld,
  ) {
    this.#folder = parts.folder;
    this.#setup = parts.setup;
    this.world = world(this.clock);
    for (const { id } of this.#cells()) {
      this.world.listen(id, (reading) => {
        if (this.#running?.stopped === false) this.#running.loop.push(reading);
      });
    }
    this.world.run();
  }

  #cells() {
    return this.#setup.board.plates.flatMap(({ cells = [] }) => cells);
  }

  get running(): Running {
    if (this.#running === undefined) throw new Error('the device is off');
    return this.#running;
  }

  /** Switches the device on, on what is on its disk. */
  async start(): Promise<void> {
    this.#boot += 1;
    const { clock } = this;
    const stored = { ...this.state };
    const common = { clock, log: silentLogger, stored };
    const keeper = await CalibrationKeeper.open({ ...common, setup: this.#setup });
    const setup = calibratedSetup(this.#setup, keeper.calibration);
    let running: Running | undefined;
    const own = () => {
      if (running === undefined) throw new Error('not yet');
      return running;
    };
    const auditor = await Auditor.open({
      ...common,
      dataFolder: setup.dataFolder,
      boot: this.#boot,
      timeQuality: () => 'synced',
      append: (draft, state) => own().loop.append(draft, state),
      push: (input) => own().loop.push(input),
    });
    const watch = new CommandWatch(() => own().loop.pipeline.snapshot());
    const lastSequence = this.events.at(-1)?.sequence ?? 0;
    const loop = new DecisionLoop({
      ...common,
      store: { store: async (events, state) => this.#store(() => running?.stopped === true, events, state) },
      pipeline: (sink, state) =>
        startPipeline(
          setup,
          { ledger: '0011223344556677', boot: this.#boot, nextSequence: lastSequence + 1 } as Parameters<
            typeof startPipeline
          >[1],
          {
            startUs: clock.nowUs(),
            sink: (event) => {
              watch.event(event);
              sink(event);
            },
            state,
          },
        ),
      onInput: (input) => {
        watch.input(input);
        own().technician.see(input);
      },
      onStored: () => {},
      onBasket: () => {},
      onLost: (error) => {
        throw error;
      },
    });
    const background = (work: Promise<unknown>) => void work.catch(() => {});
    const technician = new Technician({
      ...{ ...common, setup, keeper, loop, live: { start: () => 0 }, background },
      timeQuality: () => 'synced',
    });
    const care = new Care(setup.board, undefined);
    const desk = new GatewayDesk({
      ...{ ...common, setup, loop, auditor, watch, background },
      clockTrusted: () => true,
      keys: { ring: this.#ring, fault: undefined },
      publish: (_topic, bytes) => this.#published.push(decodePayload(responsePayload, bytes)),
      handlers: (carryOut, _nonce, keep) => {
        const handlers = new Map(
          technician.handlers(keep, {
            due: () => care.due(clock.utcMs()),
            history: () => ({ ...care.facts(clock.utcMs()), lifetimeOverloads: care.lifetimeOverloads }),
          }),
        );
        for (const command of ['session.begin', 'session.end', 'maintenance.end']) {
          handlers.set(command, async (args, context) => {
            const outcome = await carryOut(command, args, context);
            if (outcome.status === 'done') return outcome.data;
            throw new RefusedOutcome(outcome.code, outcome.message);
          });
        }
        return handlers;
      },
    });
    running = { loop, technician, desk, auditor, stopped: false };
    this.#running = running;
    loop.start();
    auditor.start();
    let isStarted = false;
    const started = technician.start({
      auditor,
      inSession: () => loop.pipeline.session !== undefined,
      opened: () => [],
      onInForce: () => {},
    });
    void started.then(() => {
      isStarted = true;
    });
    // What it commands itself is carried out in its turn, so time has to pass.
    for (let turn = 0; turn < 400 && !isStarted; turn++) await this.pass(0.01);
    await started;
  }

  /** Power is cut: what is not on the disk is lost, and nothing of that run reaches it any more. */
  cut(): void {
    this.running.stopped = true;
    this.running.technician.stop();
    this.#running = undefined;
  }

  #store(isCut: () => boolean, events: readonly CartEvent[], state: StateChanges = {}): Promise<void> {
    if (isCut()) return new Promise(() => {});
    this.events.push(...events);
    for (const [key, value] of Object.entries(state)) {
      if (value === null) delete this.state[key];
      else this.state[key] = value;
    }
    return Promise.resolve();
  }

  /** Time passes, and what falls due is done. */
  async pass(seconds: number): Promise<void> {
    for (const untilUs = this.clock.nowUs() + seconds * 1e6; this.clock.nowUs() < untilUs; ) {
      this.clock.advanceTo(Math.min(untilUs, this.clock.nowUs() + 50_000));
      await settle();
    }
  }

  /** Puts a weight on the basket and waits until it lies still. */
  async put(massMg: number, at: readonly [number, number] = [0, 0]): Promise<void> {
    const stillAtUs = this.world.weigh('basket', massMg, at);
    await this.pass((stillAtUs - this.clock.nowUs()) / 1e6 + 0.5);
  }

  /** Sends a signed command and lets time pass until it is answered. */
  async send(command: string, args: PlainMap, key?: PrivateKey, sent: Sent = {}): Promise<Answered> {
    this.#transactions += 1;
    const now = this.clock.utcMs();
    const { transaction = `t${this.#transactions}`, issued = now, expires = now + 3_600_000 } = sent;
    const { retained = false, signedFor = command } = sent;
    const request = { transaction, issued, expires, args };
    const topic = `cw/1/test-store/cart-0001/request/${signedFor.replaceAll('.', '/')}`;
    const bytes =
      key === undefined ? encodePayload(requestPayload, request, 'cbor') : sealRequest(request, topic, key);
    const before = this.#published.length;
    const answer = () => this.#published.slice(before).find((one) => one.transaction === transaction);
    void this.running.desk.answer(command, bytes, retained);
    for (let turn = 0; turn < 2_000 && answer() === undefined; turn++) {
      // Files are synced in real time, by threads that virtual time does not wait for.
      if (turn > 400) await sleep(5);
      await this.pass(turn > 400 ? 0.001 : 0.05);
    }
    const found = answer();
    if (found === undefined) throw new Error(`${command}: no answer`);
    return found as Answered;
  }

  types(): string[] {
    return this.events.map(({ type }) => type);
  }

  async auditProblems(): Promise<readonly string[]> {
    await this.running.auditor.flush();
    const head = this.state['audit/head'];
    if (head === undefined) return ['there is no audit log'];
    const expected = JSON.parse(head) as { number: number; hash: string };
    const { problems } = await verifyAudit(join(this.#setup.dataFolder, 'audit'), expected);
    return problems;
  }

  /** The records of the audit log, a line each. */
  async auditLines(): Promise<string> {
    await this.running.auditor.flush();
    const folder = join(this.#setup.dataFolder, 'audit');
    const names = (await readdir(folder)).sort();
    return (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('');
  }

  async remove(): Promise<void> {
    this.world.stop();
    if (this.#running !== undefined) this.cut();
    await this.#folder.remove();
    await rm(this.#setup.dataFolder, { recursive: true, force: true });
  }
}
