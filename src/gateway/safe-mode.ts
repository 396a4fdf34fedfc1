import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '#base/clock.ts';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { connectServiceManager, type ServiceManager } from '#base/service-manager.ts';
import { software } from '#base/software.ts';
import type { Environment } from '#config/environment.ts';
import type { PlainMap } from '#events/fields.ts';
import type { BirthFields } from '#uplink/payloads.ts';
import { devicePrefix, requestTopic } from '#uplink/topics.ts';
import { ClockFloor } from './clock-floor.ts';
import { factsOf, type KnownFacts, readFacts } from './known-facts.ts';
import { plainAnswer } from './plain-answer.ts';
import { answerRequest } from './requests.ts';
import { readBeforeRun } from './run-record.ts';
import { openSafeDesk, SafeKeys } from './safe-desk.ts';
import { SafeLink } from './safe-link.ts';
import { startSafePage } from './safe-page.ts';
import { countTry, retryAfterS } from './safe-tries.ts';
import { makeSafeUpdates } from './safe-updates.ts';
import { loadSetup } from './setup.ts';
import { TimeSource } from './time-source.ts';

type SafeFacts = NonNullable<BirthFields['safe']>;

/** What is known of the device, and what is wrong with its configuration, where that is what fails. */
async function lookAround(
  configPath: string,
  environment: Environment,
): Promise<{ dataFolder: string; facts: KnownFacts | undefined; wrong: unknown }> {
  const fallback = environment.STATE_DIRECTORY ?? join(dirname(configPath), 'data');
  const credentials = environment.CREDENTIALS_DIRECTORY;
  try {
    const setup = await loadSetup(configPath, environment);
    const kept = await readFacts(setup.dataFolder, credentials);
    const start = kept ?? { ledger: '0'.repeat(16), boot: 0 };
    return { dataFolder: setup.dataFolder, facts: factsOf(setup, start), wrong: undefined };
  } catch (wrong) {
    return { dataFolder: fallback, facts: await readFacts(fallback, credentials), wrong };
  }
}

/**
 * Stands in for a gateway that can't run: tells the store why, the shopper to take another cart, and takes signed commands
 * to restart the machine or to update it. It opens no device and no outbox. Resolves with 0 when the gateway is to be tried again, or
 * at a signal.
 */
export async function runSafeMode(configPath: string, environment: NodeJS.ProcessEnv): Promise<number> {
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime });
  const service = await connectServiceManager(environment, (message) => log.warn({}, message));
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  process.once('SIGINT', () => end('a signal'));
  process.once('SIGTERM', () => end('a signal'));
  const { dataFolder, facts, wrong } = await lookAround(configPath, environment);
  const before = await readBeforeRun(dataFolder);
  const retryS = retryAfterS(await countTry(dataFolder, log));
  const safe = safeFacts(before, wrong, retryS);
  log.error({ ...safe }, 'the gateway does not run; safe mode');
  const stops: (() => Promise<unknown>)[] = [];
  const page = facts?.display ?? { enabled: true, port: 8081, languages: ['en'] };
  if (page.enabled) {
    await startSafePage(page.port, page.languages, log).then(
      (server) => stops.push(() => server.close()),
      (error: unknown) => log.warn({ err: describeError(error) }, 'shoppers see no page'),
    );
  }
  if (facts === undefined) log.error({}, 'nothing is known of the broker: nobody is told');
  else stops.push(await report({ facts, safe, dataFolder, environment, log }));
  const retry = setTimeout(() => end('its time'), retryS * 1000);
  const feeding = feed(service);
  service.ready();
  service.status(`safe mode: ${safe.code ?? safe.cause}; tries the gateway again after ${retryS / 60} min`);
  log.info({}, `safe mode ends by ${await ended}`);
  clearTimeout(retry);
  clearInterval(feeding);
  service.stopping();
  await Promise.allSettled(stops.map((stop) => stop()));
  service.close();
  return 0;
}

function feed(service: ServiceManager): NodeJS.Timeout {
  return setInterval(() => service.alive(), Math.min(10_000, (service.watchdogUs ?? 30_000_000) / 3_000));
}

function safeFacts(
  before: Awaited<ReturnType<typeof readBeforeRun>>,
  wrong: unknown,
  retryS: number,
): SafeFacts {
  const failed = before === undefined ? {} : { failed: before.software };
  if (wrong !== undefined) {
    const message = describeError(wrong).slice(0, 1_024);
    return { cause: 'fault', ...(isCoded(wrong) ? { code: wrong.code } : {}), message, ...failed, retryS };
  }
  const { cause = 'killed', code, message } = before ?? {};
  return {
    cause,
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
    ...failed,
    retryS,
  };
}

/** Connects and answers; resolves with what ends it. */
async function report(options: {
  readonly facts: KnownFacts;
  readonly safe: SafeFacts;
  readonly dataFolder: string;
  readonly environment: Environment;
  readonly log: Logger;
}): Promise<() => Promise<void>> {
  const { facts, safe, dataFolder, environment, log } = options;
  const clock = systemClock;
  const floor = await ClockFloor.open(dataFolder, clock);
  const time = new TimeSource(clock, undefined, () => floor.isBehind);
  await time.refresh();
  const again = setInterval(() => void time.refresh(), 60_000);
  const clockTrusted = () => time.quality !== 'unset';
  const startedUs = clock.nowUs();
  const keys = await SafeKeys.open(facts, dataFolder, log);
  const info = (): PlainMap => ({
    ...{ store: facts.store, device: facts.device, software, mode: 'safe', safe: plainAnswer(safe) },
    uptimeS: Math.floor((clock.nowUs() - startedUs) / 1_000_000),
  });
  const { updates, offered } = makeSafeUpdates({ facts, dataFolder, clock, clockTrusted, log });
  const desk = await openSafeDesk({
    ...{ facts, dataFolder, keys, clock, clockTrusted, log, info, updates },
    runtimeFolder: environment.RUNTIME_DIRECTORY,
  });
  const link = new SafeLink({
    facts,
    log,
    birth: () => ({ software, mode: 'safe', safe }),
    onKeys: (payload) => keys.offered(payload),
    onRelease: offered,
    onRequest: (command, payload, retained) => {
      updates.hear(command, payload);
      void answerRequest(
        {
          ...{ desk, log, encoding: facts.encoding, keys: keys.ring },
          topic: (name) => `${devicePrefix(facts)}/${requestTopic(name)}`,
          nowMs: () => (clockTrusted() ? clock.utcMs() : undefined),
          publish: (topic, answer, how) => link.publish(topic, answer, how),
          onUnreadable: (name, { code, message }) => log.warn({ command: name, code }, message),
        },
        command,
        payload,
        retained,
      );
    },
  });
  link.start();
  return async () => {
    clearInterval(again);
    await updates.stop();
    await link.stop();
  };
}
