import { pino } from 'pino';
import { systemClock } from '#base/clock.ts';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { software } from '#base/software.ts';
import { startStatusPage } from '#pages/status/server.ts';
import { createTrace, type TraceWriter } from '#traces/folder.ts';
import { startEmbeddedBroker } from './embedded.ts';
import { Gateway } from './gateway.ts';
import { type GatewaySetup, loadSetup } from './setup.ts';
import { GatewayStatus } from './status.ts';

export interface DaemonOptions {
  readonly configPath: string;
  /** Records every input into this trace folder. */
  readonly record?: string | undefined;
  /** Ends the recording, and the daemon, after this long. */
  readonly seconds?: number | undefined;
}

/** A daemon that hangs while stopping is ended after this long; what is stored is safe. */
const stopWithinMs = 10_000;
/** sysexits: configuration error, so that systemd doesn't restart in vain. */
const badConfiguration = 78;

/**
 * Runs one gateway until a signal, and resolves with the exit code: 0 after an orderly stop, 78 for a configuration
 * that can't work, 1 for a fault after which it should be restarted.
 */
export async function runDaemon(options: DaemonOptions): Promise<number> {
  const log = pino({
    level: process.env.CARTWRIGHT_LOG__LEVEL ?? 'info',
    base: null,
    redact: ['*.password', '*.token', 'password', 'token'],
    timestamp: pino.stdTimeFunctions.isoTime,
  });
  let ended: (code: number) => void = () => {};
  const end = new Promise<number>((resolve) => {
    ended = resolve;
  });
  process.once('SIGINT', () => ended(0));
  process.once('SIGTERM', () => ended(0));
  const stops: (() => Promise<void>)[] = [];
  try {
    let setup = await loadSetup(options.configPath, process.env);
    log.level = setup.config.log.level;
    for (const warning of setup.warnings) log.warn(warning);
    if (setup.config.broker.embedded) {
      const broker = await startEmbeddedBroker(setup.broker.url, log);
      stops.push(() => broker.close());
      setup = { ...setup, broker: { ...setup.broker, url: broker.url } };
    }
    let recording: TraceWriter | undefined;
    const gateway = await Gateway.open({
      setup,
      clock: systemClock,
      log,
      setLogLevel: (level) => {
        log.level = level;
      },
      onInput: (input) => recording?.recorder.input(input),
      onFatal: (error) => {
        log.fatal({ err: describeError(error) }, 'the gateway can not go on without losing events; it stops');
        ended(1);
      },
    });
    stops.push(() => gateway.stop());
    if (options.record !== undefined) {
      // Where the pipeline began: a replay rebases what an earlier run left to the same instant.
      const originUs = gateway.pipeline.nowUs;
      const writer = await createTrace(options.record, {
        device: setup.config.device,
        store: setup.config.store,
        board: setup.board,
        calibration: setup.calibration,
        catalogue: setup.cataloguePath,
        planogram: setup.planogramPath,
        config: { weighing: setup.weighing, fusion: setup.fusion, session: setup.config.session },
        extra: {
          originUs,
          sessionSalt: gateway.uplink.start.ledger,
          ...(gateway.restoredState === undefined ? {} : { state: { ...gateway.restoredState } }),
        },
      });
      recording = writer;
      stops.push(async () => {
        recording = undefined;
        writer.recorder.end(gateway.pipeline.nowUs);
        await writer.close();
        log.info({ trace: writer.path }, 'recording closed');
      });
    }
    // Before the gateway starts, so that the page has heard everything from `gateway.born` on.
    if (setup.config.status.enabled) {
      const page = await startPage(gateway, setup, log);
      if (page !== undefined) stops.push(page);
    }
    await gateway.start();
    log.info({ software, store: setup.config.store, device: setup.config.device }, 'gateway running');
    if (options.seconds !== undefined) setTimeout(() => ended(0), options.seconds * 1000);
    return await stopped(await end, stops, log);
  } catch (error) {
    log.fatal({ err: describeError(error) }, 'the gateway does not start');
    await stopped(1, stops, log);
    return isCoded(error) && /^CW-(CFG|CAT|GWY|DRV)/.test(error.code) ? badConfiguration : 1;
  }
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

/** Stops what was started, last first, each within its time. */
async function stopped(
  code: number,
  stops: readonly (() => Promise<void>)[],
  log: { error(fields: object, message: string): void },
): Promise<number> {
  const timer = setTimeout(() => {
    log.error({}, `stopping took longer than ${stopWithinMs} ms; what is stored is safe`);
    process.exit(1);
  }, stopWithinMs);
  for (const stop of [...stops].reverse()) {
    try {
      await stop();
    } catch (error) {
      log.error({ err: describeError(error) }, 'a part did not stop cleanly');
    }
  }
  clearTimeout(timer);
  return code;
}
