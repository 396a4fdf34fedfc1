import type { Clock } from '#base/clock.ts';
import type { DeviceIdentity } from '../../driver.ts';
import type { BytePeer, PeerWire } from '../peer-ports.ts';
import type { ScaleModel } from './scale-model.ts';

/** A simulated scale on a serial line. How it answers is its protocol's; here are the line and its latency. */
export abstract class ByteScalePeer implements BytePeer {
  readonly identity: DeviceIdentity;
  readonly model: ScaleModel;
  /** It answers so long after a request, µs; 0: at once. */
  latencyUs = 0;
  protected readonly clock: Clock;
  #wire: PeerWire<Uint8Array> | undefined;

  constructor(clock: Clock, model: ScaleModel, name: string) {
    this.clock = clock;
    this.model = model;
    this.identity = { vendor: 'Cartwright', model: `simulated ${name} scale` };
  }

  opened(wire: PeerWire<Uint8Array>): void {
    this.#wire = wire;
    this.connected();
  }

  closed(): void {
    this.#wire = undefined;
    this.disconnected();
  }

  received(bytes: Uint8Array): void {
    if (!this.model.silent) this.hear(bytes);
  }

  /** Bytes from the scale to the host, whatever they are: for noise. */
  send(bytes: Uint8Array): void {
    this.#wire?.send(bytes);
  }

  /** Answers, after the latency. */
  protected answer(bytes: Uint8Array): void {
    if (this.latencyUs === 0) this.send(bytes);
    else this.clock.after(this.latencyUs, () => this.send(bytes));
  }

  protected abstract hear(bytes: Uint8Array): void;

  protected connected(): void {}

  protected disconnected(): void {}

  protected get isOpen(): boolean {
    return this.#wire !== undefined;
  }
}
