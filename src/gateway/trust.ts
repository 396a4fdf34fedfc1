import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { TimeQuality } from '#events/event.ts';
import type { Uplink } from '#uplink/uplink.ts';
import { Auditor } from './audit.ts';
import type { DecisionLoop } from './decisions.ts';
import { KeyKeeper } from './key-keeper.ts';
import type { GatewaySetup } from './setup.ts';

/** What keys and audit log need of the gateway they belong to. */
interface Host {
  readonly loop: Pick<DecisionLoop, 'append' | 'saveState' | 'push'>;
  readonly timeQuality: () => TimeQuality;
}

/** Whom this device believes, and what it keeps on record of that: opened before the gateway, which needs both. */
export class Trust {
  readonly keys: KeyKeeper;
  readonly auditor: Auditor;
  readonly #hosts: Host[];

  /** Rejects with CW-IDN-007, -008 or -013. */
  static async open(options: {
    readonly setup: GatewaySetup;
    readonly clock: Clock;
    readonly log: Logger;
    readonly uplink: Pick<Uplink, 'start' | 'subscribe'>;
  }): Promise<Trust> {
    const { setup, clock, log, uplink } = options;
    const { boot, state: stored } = uplink.start;
    const hosts: Host[] = [];
    const auditor = await Auditor.open({
      dataFolder: setup.dataFolder,
      stored,
      boot,
      clock,
      log,
      timeQuality: () => hosts[0]?.timeQuality() ?? 'unset',
      append: async (draft, state) => await hosts[0]?.loop.append(draft, state),
      push: (input) => hosts[0]?.loop.push(input),
    });
    const keys = await KeyKeeper.open({
      store: setup.config.store,
      dataFolder: setup.dataFolder,
      keysFile: setup.keysFile,
      rootKeyFile: setup.rootKeyFile,
      stored,
      clock,
      log,
      uplink,
      record: async (facts, state) => {
        await hosts[0]?.loop.saveState({ ...state, ...auditor.note(facts) });
        await auditor.flush();
      },
    });
    return new Trust(keys, auditor, hosts);
  }

  private constructor(keys: KeyKeeper, auditor: Auditor, hosts: Host[]) {
    this.keys = keys;
    this.auditor = auditor;
    this.#hosts = hosts;
  }

  /** Goes on where an earlier run ended, on the gateway that has been built meanwhile. */
  start(host: Host): void {
    this.#hosts.push(host);
    this.auditor.start();
    this.keys.start();
  }

  /** Ends following the lists; what is noted and not in the chain yet is brought there by the next run. */
  async stop(log: Logger): Promise<void> {
    await this.keys.stop();
    await this.auditor.flush().catch((error: unknown) => log.error({ err: describeError(error) }, 'audit'));
  }
}
