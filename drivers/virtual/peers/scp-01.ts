import { ascii, latin1 } from '../../scale/framers.ts';
import { scpAnswer, scpWeight } from '../../scale/scp-01-protocol.ts';
import { ByteScalePeer } from './byte-scale-peer.ts';

const etx = 0x03;

/** A scale that speaks the NCI standard protocol (SCP-01), in the variants that are sold. */
export class Scp01Peer extends ByteScalePeer {
  /** It sends a third status byte (net, initial zero). */
  third = true;
  /** It sends `S` before the status. */
  letter = false;
  /** It knows the command T. */
  tares = true;
  #line = '';

  protected override hear(bytes: Uint8Array): void {
    this.#line = (this.#line + latin1(bytes)).slice(-32);
    for (;;) {
      const end = this.#line.indexOf('\r');
      if (end < 0) return;
      const command = this.#line.slice(0, end);
      this.#line = this.#line.slice(end + 1);
      this.#command(command);
    }
  }

  #command(command: string): void {
    const { model } = this;
    if (command === 'Z') model.zero();
    if (command === 'T' && this.tares) model.tare();
    if (!['W', 'Z', 'S'].includes(command) && !(command === 'T' && this.tares)) {
      this.answer(Uint8Array.of(...ascii('\n?\r'), etx));
      return;
    }
    const weighs = command === 'W' && !model.over && !model.under && !model.broken && !model.uncalibrated;
    const weight = weighs ? scpWeight(model.shownMg, model.unit, model.decimals) : undefined;
    const status = {
      motion: model.motion,
      zero: model.atZero,
      ramError: model.broken,
      under: model.under,
      over: model.over,
      faultyCalibration: model.uncalibrated,
      net: model.net,
    };
    const { third, letter } = this;
    this.answer(Uint8Array.of(...ascii(scpAnswer(status, weight, { third, letter })), etx));
  }
}
