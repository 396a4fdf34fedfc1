import { writeFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { keepCompiledCode } from '#base/compile-cache.ts';
import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { DeviceIdentity } from '#drivers/driver.ts';
import type { FromVision, ToVision } from '#vision/process/messages.ts';

/** A little: a look has half a second. */
const niceness = 3;
const aliveEveryMs = 500;

keepCompiledCode();
const { systemClock } = await import('#base/clock.ts');
const { createRandom } = await import('#base/random.ts');
const { findDriver, systemAttachments } = await import('#drivers/registry.ts');
const { assembleParts } = await import('#vision/process/assemble.ts');
const { loadRecognizer } = await import('#vision/process/recognizer.ts');
const { Eyes } = await import('#vision/process/eyes.ts');
const { fromVisionSchema, toVisionSchema } = await import('#vision/process/schemas.ts');
const { DeviceSupervisor } = await import('./devices.ts');
const { ProcessorLoad } = await import('./processor-load.ts');

/**
 * The vision process: the only one that opens cameras. It lives as long as the line to the gateway, which speaks
 * `vision/process/messages.ts`.
 */
function run(): void {
  let running: Promise<() => Promise<void>> | undefined;
  const end = async () => {
    // What hangs is ended by the gateway, which waits three seconds.
    await (await running)?.();
    process.exit(0);
  };
  process.on('message', (value: unknown) => {
    const result = toVisionSchema.safeParse(value);
    if (!result.success) {
      log.error({ kind: kindOf(value) }, 'the gateway said what is no message; it is of another version');
      return;
    }
    const message = result.data;
    if (message.kind === 'begin') running ??= begin(message);
    else if (message.kind === 'stop') void end();
    else handle(message);
  });
  setInterval(() => tell({ kind: 'alive' }), aliveEveryMs).unref();
  // The gateway is gone, in whatever way: nobody needs pictures any more.
  process.once('disconnect', endAll);
  // Signals to end are for the gateway, which then says `stop`.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
}

/** At once, with the programs that capture pictures: they are of this process's group. */
function endAll(): void {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    process.exit(0);
  }
}

let handle: InstanceType<typeof Eyes>['handle'] = () => {};

const load = new ProcessorLoad();

async function begin({ setup, lenses }: Extract<ToVision, { kind: 'begin' }>): Promise<() => Promise<void>> {
  const eyes = new Eyes({
    setup,
    lenses,
    clock: systemClock,
    log,
    parts: assembleParts(),
    recognizer: (model) => loadRecognizer({ ...setup, model }),
    cameras: () =>
      cameras.reports().map(({ id, driver, state, identity, readings, lastReadingUs }) => ({
        id,
        driver,
        state,
        identity: cut(identity),
        frames: readings,
        ...(lastReadingUs === undefined ? {} : { lastFrameUs: lastReadingUs }),
      })),
    ownBusyPpm: () => load.ownPpm(),
    residentBytes: () => process.memoryUsage.rss(),
    tell,
  });
  const cameras = new DeviceSupervisor({
    entries: setup.devices,
    clock: systemClock,
    log,
    random: createRandom((Date.now() ^ process.pid) >>> 0),
    findDriver: (name) => findDriver(name, setup.driverPaths),
    attachments: systemAttachments(systemClock),
    onReading: (reading) => {
      if (reading.kind === 'frame') eyes.frame(reading);
    },
    onFault: (source, fault, atUs) => tell({ kind: 'fault', source, fault, atUs }),
  });
  handle = (message) => eyes.handle(message);
  void cameras.start();
  await eyes.start();
  return async () => {
    await cameras.stop();
    await eyes.stop();
  };
}

/** Says only what the schema allows: whatever else an object may carry stays here. */
function tell(message: FromVision): void {
  const result = fromVisionSchema.safeParse(message);
  if (result.success) process.send?.(result.data);
  else process.send?.({ kind: 'log', level: 'error', message: `${message.kind} can't be said`, fields: {} });
}

function cut({ vendor, model, serial, firmware }: DeviceIdentity) {
  return {
    ...(vendor === undefined ? {} : { vendor: vendor.slice(0, 256) }),
    ...(model === undefined ? {} : { model: model.slice(0, 256) }),
    ...(serial === undefined ? {} : { serial: serial.slice(0, 256) }),
    ...(firmware === undefined ? {} : { firmware: firmware.slice(0, 256) }),
  };
}

function kindOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'kind' in value
    ? String(value.kind).slice(0, 40)
    : '';
}

/** Logs of this process go to the gateway's, which knows the level and what has to be hidden. */
function logAt(level: 'debug' | 'info' | 'warn' | 'error'): (fields: object, message: string) => void {
  return (fields, message) =>
    tell({
      kind: 'log',
      level,
      message: message.slice(0, 1_000),
      fields: Object.fromEntries(
        Object.entries(fields)
          .slice(0, 16)
          .map(([name, value]) => [name.slice(0, 64), plain(value)]),
      ),
    });
}

function plain(value: unknown): string | number | boolean {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'string') return value.slice(0, 500);
  return value instanceof Error ? describeError(value).slice(0, 500) : typeof value;
}

/** Where processors are short, weighing goes first; where memory runs out, the kernel ends this process and not the gateway. */
function giveWay(): void {
  setPriority(niceness);
  writeFile('/proc/self/oom_score_adj', '500').catch(() => {
    // Not on Linux, or not allowed: the gateway's own bound of memory holds.
  });
}

const log: Logger = {
  debug: logAt('debug'),
  info: logAt('info'),
  warn: logAt('warn'),
  error: logAt('error'),
};
giveWay();
run();
