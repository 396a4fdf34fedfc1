import type { Clock } from '#base/clock.ts';
import type { DeviceIdentity } from '../../driver.ts';
import { hidScaleReport } from '../../scale/hid-report.ts';
import { formatMassIn } from '../../scale/mass.ts';
import type { PeerWire, ReportPeer } from '../peer-ports.ts';
import type { ScaleModel } from './scale-model.ts';

/** A USB HID scale that reports by itself, as postal scales do. Its first report is what it weighed before. */
export class HidScalePeer implements ReportPeer {
  readonly identity: DeviceIdentity = { vendor: 'Cartwright', model: 'simulated HID scale', serial: 'HID-1' };
  readonly model: ScaleModel;
  periodUs = 200_000;
  /** It can be zeroed by an output report. */
  zeroes = true;
  /** What the first report after opening says, mg. */
  staleMg = 1_000_000;
  readonly #clock: Clock;
  #wire: PeerWire<Uint8Array> | undefined;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, model: ScaleModel) {
    this.#clock = clock;
    this.model = model;
  }

  opened(wire: PeerWire<Uint8Array>): void {
    this.#wire = wire;
    wire.send(this.#weighed('stable', this.staleMg));
    this.#report();
  }

  closed(): void {
    this.#wire = undefined;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  received(report: Uint8Array, kind: 'output' | 'feature'): void {
    if (kind === 'output' && this.zeroes && report[0] === 2 && report[1] === 2) this.model.zero();
  }

  /** Any report, for noise and for recorded ones. */
  send(report: Uint8Array): void {
    this.#wire?.send(report);
  }

  #report(): void {
    this.#cancel = this.#clock.after(this.periodUs, () => this.#report());
    if (!this.model.silent) this.send(this.#now());
  }

  #now(): Uint8Array {
    const { model } = this;
    if (model.broken) return this.#weighed('fault', 0);
    if (model.uncalibrated) return this.#weighed('calibrate', 0);
    if (model.over) return this.#weighed('over', 0);
    if (model.under || model.shownMg < 0) return this.#weighed('under-zero', 0);
    if (model.atZero) return this.#weighed('zero', 0);
    return this.#weighed(model.motion ? 'motion' : 'stable', model.shownMg);
  }

  #weighed(condition: Parameters<typeof hidScaleReport>[0], massMg: number): Uint8Array {
    const { unit, decimals } = this.model;
    const digits = formatMassIn(massMg, unit, decimals).replace('.', '');
    return hidScaleReport(condition, unit, -decimals, Number(digits));
  }
}
