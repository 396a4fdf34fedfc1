import { z } from 'zod';
import type { Handler } from '#commands/desk.ts';
import type { PlainMap } from '#events/fields.ts';
import { UpdateError } from '#updates/errors.ts';
import { versionPattern } from '#updates/facts.ts';
import type { UpdaterState } from '#updates/state.ts';
import { parseArguments } from './arguments.ts';
import type { Keep } from './kept-change.ts';
import type { GatewayUpdates } from './updates.ts';

/** Those that change something. */
export const updateChanges = ['update.check', 'update.begin', 'update.rollback', 'update.pause'] as const;

const none = z.strictObject({});
const beginArgs = z.strictObject({
  version: z.string().regex(versionPattern, 'is no version such as 1.4.0'),
  force: z.boolean().default(false),
  downgrade: z.boolean().default(false),
});
const rollbackArgs = z.strictObject({ why: z.string().min(3).max(256) });
const pauseArgs = z.strictObject({ paused: z.boolean() });

/** The commands `update.…`. What changes something is on record before it is done. */
export function updateHandlers(updates: GatewayUpdates, keep: Keep): ReadonlyMap<string, Handler> {
  const handlers = new Map<string, Handler>();
  handlers.set('update.status', (args) => {
    parseArguments('update.status', none, args);
    return statusOf(updates);
  });
  handlers.set('update.check', async (args, context) => {
    parseArguments('update.check', none, args);
    stateOf(updates);
    await updates.check();
    const data = statusOf(updates);
    await keep({ command: 'update.check', args }, context, data, { facts: {} });
    return data;
  });
  handlers.set('update.begin', async (args, context) => {
    const { version, force, downgrade } = parseArguments('update.begin', beginArgs, args);
    const state = stateOf(updates);
    requireFree(updates);
    const isStaged = state.staged?.version === version;
    if (state.good === version) {
      throw new UpdateError('CW-UPD-022', `release ${version} is in service already`);
    }
    if (!isStaged && updates.offered !== version) {
      throw new UpdateError(
        'CW-UPD-023',
        `release ${version} is neither on this device nor offered by the store (that is ${updates.offered ?? 'nothing'}); publish it first`,
      );
    }
    const data = { version, action: isStaged ? 'begin' : 'fetch' };
    await keep({ command: 'update.begin', args }, context, data, { facts: {} });
    await updates.begin({ version, force, downgrade, order: updates.sealedOf(context.transaction) });
    return data;
  });
  handlers.set('update.rollback', async (args, context) => {
    const { why } = parseArguments('update.rollback', rollbackArgs, args);
    const { trial, before } = stateOf(updates);
    requireFree(updates);
    const version = trial?.back ?? before;
    if (version === undefined)
      throw new UpdateError('CW-UPD-026', 'there is no release before this one on the device');
    await keep({ command: 'update.rollback', args }, context, { version }, { facts: {} });
    await updates.rollBack(why, updates.sealedOf(context.transaction));
    return { version };
  });
  handlers.set('update.pause', async (args, context) => {
    const { paused } = parseArguments('update.pause', pauseArgs, args);
    const state = updates.pause(paused);
    await keep({ command: 'update.pause', args }, context, { paused }, { state, facts: {} });
    return { paused };
  });
  return handlers;
}

function stateOf(updates: GatewayUpdates): UpdaterState {
  if (updates.state !== undefined) return updates.state;
  throw new UpdateError(
    'CW-UPD-053',
    'this machine has no updater: it was not set up from a release (scripts/setup), or the updater has not run yet',
  );
}

function requireFree(updates: GatewayUpdates): void {
  const { busy } = updates;
  if (busy !== undefined) throw new UpdateError('CW-UPD-052', `not now: ${busy}; ask again later`);
}

function statusOf(updates: GatewayUpdates): PlainMap {
  const { state, paused } = updates;
  if (state === undefined) return { state: 'none', paused };
  const health = Object.fromEntries(
    Object.entries(updates.health() ?? {}).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value]],
    ),
  ) as PlainMap;
  return {
    ...health,
    paused,
    ...(state.before === undefined ? {} : { before: state.before }),
    ...(state.trial === undefined ? {} : { trial: state.trial.version }),
    failed: state.failed.map(({ version, code, why }) => ({ version, code, why })),
  };
}
