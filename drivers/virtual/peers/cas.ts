import { ack, casBlock, casLine, dc1, enq, nak } from '../../scale/cas-protocol.ts';
import { ByteScalePeer } from './byte-scale-peer.ts';

/** A CAS scale that answers ENQ and DC1. */
export class CasRequestPeer extends ByteScalePeer {
  /** It has nothing to say yet and answers NAK. */
  busy = false;
  /** It knows DC1 alone, as a PD-II set to type 6. */
  bare = false;
  /** The check byte of its blocks is wrong. */
  damaged = false;

  protected override hear(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === enq && !this.bare) this.answer(Uint8Array.of(this.busy || this.model.broken ? nak : ack));
      if (byte === dc1) this.answer(this.#block());
    }
  }

  #block(): Uint8Array {
    const { model } = this;
    const mass = model.over ? 'overflow' : model.shownMg;
    const block = casBlock(model.stable, mass, model.unit, model.decimals);
    if (this.damaged) block[5] = (block[5] ?? 0) ^ 1;
    return block;
  }
}

/** A CAS indicator that sends lines of 22 bytes by itself, the first one at once. */
export class CasContinuousPeer extends ByteScalePeer {
  periodUs = 100_000;
  #cancel: (() => void) | undefined;

  protected override connected(): void {
    this.#cancel?.();
    this.#cancel = this.clock.after(this.periodUs, () => this.connected());
    if (this.model.silent) return;
    const { model } = this;
    this.send(
      casLine({
        state: model.over ? 'OL' : model.stable ? 'ST' : 'US',
        net: model.net,
        massMg: model.over ? 0 : model.shownMg,
        unit: model.unit,
        decimals: model.decimals,
        zero: model.atZero,
      }),
    );
  }

  protected override disconnected(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  protected override hear(): void {}
}
