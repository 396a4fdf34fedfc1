import { dirname } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '#base/clock.ts';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { connectServiceManager, type ServiceManager } from '#base/service-manager.ts';
import { software } from '#base/software.ts';
import { keepYoungGenerationSmall } from '#base/young-generation.ts';
import { checkHardware } from '#identity/hardware-check.ts';
import { startStatusPage } from '#pages/status/server.ts';
import type { TraceError } from '#traces/errors.ts';
import { createTrace, type TraceWriter } from '#traces/folder.ts';
import { RawRecorder } from '#traces/raw.ts';
import { startDisplay } from './display-page.ts';
import { startEmbeddedBroker } from './embedded.ts';
import { Gateway } from './gateway.ts';
import { type GatewaySetup, loadSetup } from './setup.ts';
import { GatewayStatus } from './status.ts';

export interface DaemonOptions {
  readonly configPath: string;
  /** Records every input into this trace folder. */
  readonly record?: string | undefined;
  /** Records the very bytes of every device as well, into `raw/` beside the trace. */
  readonly raw?: boolean | undefined;
  /** Ends the recording, and the daemon, after this long. */
  readonly seconds?: number | undefined;
}

/** A daemon that hangs while stopping is ended after this long; what is stored is safe. */
const stopWithinMs = 10_000;
/** sysexits: configuration error, so that systemd doesn't restart in vain. */
const badConfiguration = 78;

/** While it starts, the service manager is asked for more time this often, and for so long at most. */
const extendEveryMs = 20_000;
const startWithinMs = 15 * 60_000;

/** What holds the process after everything was stopped is cut off after this long. */
const lingerMs = 1_000;

/**
 * Runs one gateway until a signal, and resolves with the exit code: 0 after an orderly stop, 78 for a configuration
 * that can't work, 1 for a fault after which it should be restarted, or for a recording that is not whole. A second
 * later the process ends with that code, whatever is still open.
 */
export async function runDaemon(options: DaemonOptions): Promise<number> {
  keepYoungGenerationSmall();
  const log = pino({
    level: process.env.CARTWRIGHT_LOG__LEVEL ?? 'info',
    base: null,
    redact: ['*.password', '*.token', 'password', 'token'],
    timestamp: pino.stdTimeFunctions.isoTime,
  });
  const run = new DaemonRun(log);
  process.once('SIGINT', () => run.end(0));
  process.once('SIGTERM', () => run.end(0));
  const service = await connectServiceManager(process.env, (message) => log.warn({}, message));
  const slow = grantTime(service);
  const starting = startAll(options, log, run, service);
  starting.then(slow, slow);
  try {
    // A signal doesn't wait for a start that takes long.
    await Promise.race([starting.then(() => run.ended), run.ended]);
  } catch (error) {
    log.fatal({ err: describeError(error) }, 'the gateway does not start');
    run.end(
      isCoded(error) && /^CW-(CFG|CAT|GWY|DRV|IDN-00[78]|IDN-019|IDN-020)/.test(error.code)
        ? badConfiguration
        : 1,
    );
  }
  slow();
  service.stopping();
  await run.stop(starting);
  service.close();
  const code = run.code;
  log.flush();
  setTimeout(() => process.exit(code), lingerMs).unref();
  return code;
}

/**
 * Asks for more time while a start takes long (a large outbox on a worn card), for as long as this process gets on: but not
 * for ever. Returns what ends it.
 */
function grantTime(service: ServiceManager): () => void {
  const untilMs = performance.now() + startWithinMs;
  const timer = setInterval(() => {
    if (performance.now() > untilMs) clearInterval(timer);
    else service.extend(2 * extendEveryMs * 1000);
  }, extendEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Starts one part after the other, each with what stops it; between them it sees whether it is to end already. */
async function startAll(
  options: DaemonOptions,
  log: pino.Logger,
  run: DaemonRun,
  service: ServiceManager,
): Promise<void> {
  let setup = await loadSetup(options.configPath, process.env);
  log.level = setup.config.log.level;
  for (const warning of setup.warnings) log.warn(warning);
  checkHardware(setup.config.broker.certFile);
  if (setup.config.broker.embedded && !run.ending) {
    const broker = await startEmbeddedBroker(setup.broker.url, log);
    run.add(() => broker.close());
    setup = { ...setup, broker: { ...setup.broker, url: broker.url } };
  }
  if (run.ending) return;
  let recording: TraceWriter | undefined;
  let raw: RawRecorder | undefined;
  const gateway = await Gateway.open({
    setup,
    clock: systemClock,
    log,
    setLogLevel: (level) => {
      log.level = level;
    },
    onInput: (input) => recording?.recorder.input(input),
    tapPorts: (entry, ports) => raw?.tap(entry, ports) ?? ports,
    service,
    runtimeFolder: process.env.RUNTIME_DIRECTORY,
    onFatal: (error) => {
      log.fatal({ err: describeError(error) }, 'the gateway can not go on without losing events; it stops');
      run.end(1);
    },
  });
  run.add(async () => {
    // What waits for its turn is decided on when the gateway stops: that belongs into the recording as well.
    try {
      await gateway.stop();
    } finally {
      await endRecording(gateway, recording, log);
      // What could not be written was told when it happened.
      await raw?.close().catch(() => undefined);
    }
  });
  if (options.record !== undefined && !run.ending) {
    const spoil = (error: TraceError, without: string) => {
      log.error({ code: error.code }, `${error.message}; the gateway goes on without ${without}`);
      run.spoil();
    };
    recording = await record(options.record, gateway, setup, (error) => {
      recording = undefined;
      spoil(error, 'recording');
    });
    if (options.raw === true) {
      raw = await RawRecorder.open(dirname(recording.path), systemClock, gateway.pipeline.nowUs, (error) =>
        spoil(error, "this device's bytes"),
      );
    }
  }
  // Before the gateway starts, so that the page has heard everything from `gateway.born` on.
  if (setup.config.status.enabled && !run.ending) {
    const page = await startPage(gateway, setup, log);
    if (page !== undefined) run.add(page);
  }
  if (setup.config.display.enabled && !run.ending) {
    const page = await startDisplay(gateway, setup, systemClock, log);
    if (page !== undefined) run.add(page);
  }
  if (run.ending) return;
  await gateway.start();
  if (run.ending) return;
  service.ready();
  log.info({ software, store: setup.config.store, device: setup.config.device }, 'gateway running');
  if (options.seconds !== undefined) setTimeout(() => run.end(0), options.seconds * 1000);
}

function record(
  folder: string,
  gateway: Gateway,
  setup: GatewaySetup,
  onFailure: (error: TraceError) => void,
): Promise<TraceWriter> {
  const assets = {
    device: setup.config.device,
    store: setup.config.store,
    board: setup.board,
    calibration: gateway.calibration,
    catalogue: setup.cataloguePath,
    planogram: setup.planogramPath,
    config: {
      weighing: setup.weighing,
      fusion: setup.fusion,
      session: setup.config.session,
      basket: setup.basket,
      ...(setup.config.site === undefined ? {} : { site: setup.config.site }),
    },
    extra: {
      // Where the pipeline began: a replay rebases what an earlier run left to the same instant.
      originUs: gateway.pipeline.nowUs,
      sessionSalt: gateway.uplink.start.ledger,
      ...(gateway.restoredState === undefined ? {} : { state: { ...gateway.restoredState } }),
    },
  };
  return createTrace(folder, assets, onFailure);
}

async function endRecording(gateway: Gateway, writer: TraceWriter | undefined, log: Logger): Promise<void> {
  if (writer === undefined) return;
  writer.recorder.end(gateway.pipeline.nowUs);
  await writer.close();
  log.info({ trace: writer.path }, 'recording closed');
}

/** A cart sells without its page: where it can't be served, that is said and the gateway goes on. */
async function startPage(
  gateway: Gateway,
  setup: GatewaySetup,
  log: Logger,
): Promise<(() => Promise<void>) | undefined> {
  const source = new GatewayStatus(gateway, setup, systemClock);
  try {
    const { port } = setup.config.status;
    const page = await startStatusPage({ port, host: '127.0.0.1', source, log });
    log.info({ url: page.url }, 'status page');
    return async () => {
      source.stop();
      await page.close();
    };
  } catch (error) {
    source.stop();
    log.error({ err: describeError(error) }, 'the status page is not served; the gateway runs without it');
    return undefined;
  }
}

/** What was started and has to be stopped, and whether it is time to. */
class DaemonRun {
  /** Resolves when the daemon is to end. */
  readonly ended: Promise<void>;
  readonly #log: Logger;
  readonly #stops: (() => Promise<void>)[] = [];
  readonly #end: () => void;
  #code: number | undefined;
  #spoiled = false;
  #limit: NodeJS.Timeout | undefined;

  constructor(log: Logger) {
    this.#log = log;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  get ending(): boolean {
    return this.#code !== undefined;
  }

  get code(): number {
    return this.#code === undefined || this.#code === 0 ? Number(this.#spoiled) : this.#code;
  }

  /** From now on all that runs has its time to stop; the first reason decides on the code. */
  end(code: number): void {
    if (this.ending) return;
    this.#code = code;
    this.#limit = setTimeout(() => {
      this.#log.error({}, `stopping took longer than ${stopWithinMs} ms; what is stored is safe`);
      process.exit(1);
    }, stopWithinMs);
    this.#end();
  }

  /** What was asked for is not whole, though the gateway goes on: an orderly end is no success then. */
  spoil(): void {
    this.#spoiled = true;
  }

  add(stop: () => Promise<void>): void {
    this.#stops.push(stop);
  }

  /** Stops what was started, last first, also what `starting` still brought up meanwhile. Never rejects. */
  async stop(starting: Promise<void>): Promise<void> {
    await this.#stopAll();
    await starting.catch(() => {});
    await this.#stopAll();
    clearTimeout(this.#limit);
  }

  async #stopAll(): Promise<void> {
    for (let stop = this.#stops.pop(); stop !== undefined; stop = this.#stops.pop()) {
      try {
        await stop();
      } catch (error) {
        this.#log.error({ err: describeError(error) }, 'a part did not stop cleanly');
      }
    }
  }
}
