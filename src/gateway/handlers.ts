import { z } from 'zod';
import type { Clock } from '#base/clock.ts';
import type { Handler, HandlerContext } from '#commands/desk.ts';
import { CommandError } from '#commands/errors.ts';
import type { PlainMap } from '#events/fields.ts';
import { type CommandOutcome, pipelineCommands } from '#pipeline/commands.ts';
import { parseArguments } from './arguments.ts';
import { calibrationChanges } from './calibration-handlers.ts';
import type { Inspection } from './inspection.ts';
import { defaultLeaseS, type LiveFeed, type LiveTopic, liveTopics, longestLeaseS } from './live.ts';
import { machineChanges } from './machine-handlers.ts';
import { RefusedOutcome } from './refused.ts';
import { updateChanges } from './update-handlers.ts';
import type { GatewayVision } from './vision.ts';

export interface HandlerTargets {
  readonly clock: Clock;
  readonly live: LiveFeed;
  /** The `calibration.…` commands, by name. */
  readonly calibration: ReadonlyMap<string, Handler>;
  /** The `device.…` commands, by name. */
  readonly machine: ReadonlyMap<string, Handler>;
  /** The `update.…` commands, by name. */
  readonly updates: ReadonlyMap<string, Handler>;
  readonly vision: Pick<GatewayVision, 'record' | 'erase' | 'longestRecordingS' | 'gallery'>;
  /** Facts about this gateway, for `gateway.info`. */
  info(): PlainMap;
  readonly inspection: Inspection;
  /** A fresh nonce, for `gateway.nonce`. */
  nonce(): PlainMap;
  setLogLevel(level: string): void;
  /** Passes a command to the pipeline in order of time. */
  pipeline(
    command: string,
    args: Readonly<Record<string, unknown>>,
    context: HandlerContext,
  ): Promise<CommandOutcome>;
}

/**
 * Commands that change something: each leaves a `command.done` in the ledger, and its answer outlives a restart. The
 * others may be carried out once more then.
 */
export const changingCommands: ReadonlySet<string> = new Set([
  ...pipelineCommands,
  ...calibrationChanges,
  ...machineChanges,
  ...updateChanges,
  'log.level',
  'gallery.enroll',
  'gallery.remove',
  'vision.record',
  'vision.erase',
]);

const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
const none = z.strictObject({});
const logLevel = z.strictObject({ level: z.enum(levels) });
const liveStart = z.strictObject({
  what: z.enum(liveTopics as [LiveTopic, ...LiveTopic[]]).default('weight'),
  seconds: z.number().int().min(1).max(longestLeaseS).default(defaultLeaseS),
});
const liveStop = z.strictObject({ what: z.enum(liveTopics as [LiveTopic, ...LiveTopic[]]).optional() });
const recordArgs = (longestS: number) =>
  z.strictObject({ camera: z.string().min(1).max(64), seconds: z.number().int().min(1).max(longestS) });

/** The commands that this gateway answers, by name. */
export function makeHandlers(targets: HandlerTargets): ReadonlyMap<string, Handler> {
  const handlers = new Map<string, Handler>([...targets.calibration, ...targets.machine, ...targets.updates]);
  for (const command of pipelineCommands) {
    handlers.set(command, async (args, context) => {
      const outcome = await targets.pipeline(command, args, context);
      if (outcome.status === 'done') return outcome.data;
      throw new RefusedOutcome(outcome.code, outcome.message);
    });
  }
  handlers.set('gateway.info', (args) => {
    parseArguments('gateway.info', none, args);
    return targets.info();
  });
  handlers.set('gateway.nonce', (args) => {
    parseArguments('gateway.nonce', none, args);
    return targets.nonce();
  });
  handlers.set('audit.list', (args) => targets.inspection.auditList(args));
  handlers.set('config.show', (args) => targets.inspection.configShow(args));
  handlers.set('log.level', (args) => {
    const { level } = parseArguments('log.level', logLevel, args);
    targets.setLogLevel(level);
    return { level };
  });
  handlers.set('live.start', (args) => {
    const { what, seconds } = parseArguments('live.start', liveStart, args);
    targets.live.start(what, seconds);
    return { what, seconds, topic: `live/${what}` };
  });
  handlers.set('live.stop', (args) => {
    const { what } = parseArguments('live.stop', liveStop, args);
    targets.live.stop(what);
    return {};
  });
  handlers.set('vision.record', async (args) => {
    const longestS = targets.vision.longestRecordingS;
    if (longestS === 0) {
      throw new CommandError(
        'CW-CMD-008',
        'recordings are not allowed here; allow them for the time of the work (vision.recording.longestS: 60, say)',
      );
    }
    const { camera, seconds } = parseArguments('vision.record', recordArgs(longestS), args);
    return await targets.vision.record(camera, seconds);
  });
  handlers.set('vision.erase', async (args) => {
    parseArguments('vision.erase', none, args);
    return { files: await targets.vision.erase() };
  });
  for (const name of ['enroll', 'remove', 'list', 'capture'] as const) {
    handlers.set(`gallery.${name}`, (args) => targets.vision.gallery[name](args));
  }
  return handlers;
}
