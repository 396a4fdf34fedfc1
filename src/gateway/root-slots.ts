import { readFile } from 'node:fs/promises';
import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { Draft } from '#events/event.ts';
import { runningSlot, type Slot } from '#updates/slots/slot.ts';
import { type SlotPlaces, slotPlacesUnder } from '#updates/slots/slot-places.ts';
import { readSlotState, type SlotHappening, type SlotState } from '#updates/slots/slot-state.ts';
import type { DecisionLoop } from './decisions.ts';
import type { Health } from './health.ts';
import type { StoredState } from './state.ts';

const lookEveryUs = 5_000_000;
const toldKey = 'roots/told';

interface RootSlotsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly loop: Pick<DecisionLoop, 'append'>;
  readonly stored: StoredState;
  readonly places?: Pick<SlotPlaces, 'commandLine' | 'imageFacts' | 'state'>;
}

/**
 * Tells what becomes of the roots of this machine, where an image was written to it: root's own program writes and judges
 * them (`updates/slots/`), and its state is read here. Elsewhere it does nothing.
 */
export class RootSlots {
  readonly #options: RootSlotsOptions;
  readonly #places: Pick<SlotPlaces, 'commandLine' | 'imageFacts' | 'state'>;
  #told: number;
  #slot: Slot | undefined;
  #version = '';
  #state: SlotState | undefined;
  #cancel: (() => void) | undefined;
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: RootSlotsOptions) {
    this.#options = options;
    this.#places = options.places ?? slotPlacesUnder('/');
    this.#told = Number(options.stored[toldKey] ?? 0);
  }

  /** Looks now, and every few seconds from then on. */
  start(): void {
    this.#do(() => this.#begin());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#turn;
  }

  /** Undefined on machines without slots. */
  health(): Health['root'] {
    const state = this.#state;
    if (this.#slot === undefined || state === undefined) return undefined;
    const failed = state.happenings.findLast(({ what }) => what !== 'written');
    return {
      slot: this.#slot,
      version: this.#version,
      ...(state.trial === undefined ? {} : { trial: state.trial.version }),
      ...(failed?.what === 'rolled-back' ? { failed: failed.version, why: failed.why ?? '' } : {}),
    };
  }

  async #begin(): Promise<void> {
    this.#slot = runningSlot(await readFile(this.#places.commandLine, 'utf8').catch(() => ''));
    if (this.#slot === undefined) return;
    const facts = JSON.parse(await readFile(this.#places.imageFacts, 'utf8')) as { version?: string };
    this.#version = facts.version ?? '';
    await this.#look();
  }

  async #look(): Promise<void> {
    const state = await readSlotState(this.#places.state);
    this.#state = state;
    // A state that was lost numbers its happenings anew.
    if ((state.happenings.at(-1)?.number ?? 0) < this.#told) this.#told = 0;
    for (const one of state.happenings.filter(({ number }) => number > this.#told)) {
      await this.#options.loop.append(draftOf(one), { [toldKey]: String(one.number) });
      this.#told = one.number;
    }
  }

  #do(work: () => Promise<void>): void {
    const { clock, log } = this.#options;
    this.#turn = work()
      .catch((error: unknown) =>
        log.error({ err: describeError(error) }, 'what becomes of roots can not be told'),
      )
      .then(() => {
        if (this.#stopped || this.#slot === undefined) return;
        this.#cancel = clock.after(lookEveryUs, () => this.#do(() => this.#look()));
      });
  }
}

function draftOf({ why, ...happening }: SlotHappening): Draft {
  const reason = happening.what === 'rolled-back' ? { code: 'CW-UPD-080', why: why ?? '' } : {};
  return { type: 'update.root', data: { ...happening, ...reason } };
}
