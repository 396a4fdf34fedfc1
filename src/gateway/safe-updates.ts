import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { updatesSchema } from '#config/updates.ts';
import type { KnownFacts } from './known-facts.ts';
import { GatewayUpdates, pausedKey } from './updates.ts';
import { isMarkedPaused } from './updates-pause.ts';

interface SafeUpdatesOptions {
  readonly facts: KnownFacts;
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly clockTrusted: () => boolean;
  readonly log: Logger;
}

/** Takes releases while the gateway is out of service. */
export interface SafeUpdates {
  readonly updates: GatewayUpdates;
  /** The store offers a release, or none any more. */
  readonly offered: (payload: Uint8Array) => void;
}

/**
 * The gateway's own way to releases without its outbox: what happens is told by the gateway when it is back, as it goes by
 * the numbers in the updater's state. Nobody shops on a cart that is out of service.
 */
export function makeSafeUpdates(options: SafeUpdatesOptions): SafeUpdates {
  const { facts, dataFolder, clock, clockTrusted, log } = options;
  let hear: (payload: Uint8Array) => void = () => {};
  const updates = new GatewayUpdates({
    place: facts,
    // Facts of an earlier version don't say whether releases are taken unasked.
    config: facts.updates ?? updatesSchema.parse({ automatic: false }),
    caFile: facts.broker.caFile,
    ...{ dataFolder, clock, clockTrusted, log },
    uplink: {
      subscribe: (filter, handler) => {
        hear = (payload) => void handler(filter, payload, { retain: true, properties: {} });
        return () => {};
      },
    },
    loop: { append: async () => {}, saveState: async () => {} },
    stored: isMarkedPaused(dataFolder) ? { [pausedKey]: 'true' } : {},
    busy: () => undefined,
    firmwareBehind: () => [],
  });
  updates.start();
  return { updates, offered: (payload) => hear(payload) };
}
