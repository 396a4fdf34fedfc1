import type { DeviceIdentity } from '../../driver.ts';
import { type HidPosQuirks, hidPosReports } from '../../scanner/hid-pos-report.ts';
import type { ScannedCode } from '../../scanner/scanned-code.ts';
import type { PeerWire, ReportPeer } from '../peer-ports.ts';

export interface HidPosPeerOptions {
  readonly identity?: DeviceIdentity;
  readonly quirks?: HidPosQuirks;
  /** Feature report without which it stays silent, as some makers' scanners do. */
  readonly wakesBy?: readonly number[];
  /** Has no feature reports, and refuses them. */
  readonly refusesFeatures?: boolean;
}

/** A scanner in HID POS mode. */
export class HidPosScannerPeer implements ReportPeer {
  readonly identity: DeviceIdentity;
  /** Output reports that the host sent. */
  readonly commands: Uint8Array[] = [];
  readonly #options: HidPosPeerOptions;
  #wire: PeerWire<Uint8Array> | undefined;
  #awake = false;

  constructor(options: HidPosPeerOptions = {}) {
    this.#options = options;
    this.identity = options.identity ?? {
      vendor: 'Cartwright',
      model: 'simulated HID POS scanner',
      serial: 'SIM-HID-1',
    };
  }

  opened(wire: PeerWire<Uint8Array>): void {
    this.#wire = wire;
    this.#awake = this.#options.wakesBy === undefined;
  }

  closed(): void {
    this.#wire = undefined;
  }

  received(report: Uint8Array, kind: 'output' | 'feature'): void {
    if (kind === 'feature' && this.#options.refusesFeatures === true) throw new Error('EPIPE');
    if (kind === 'output') this.commands.push(report);
    else if (this.#options.wakesBy?.every((byte, index) => report[index] === byte) === true)
      this.#awake = true;
  }

  /** Reads a code; a sleeping scanner reads none. */
  scan(code: ScannedCode): void {
    for (const report of hidPosReports(code, this.#options.quirks)) this.send(report);
  }

  /** Sends a report as it is. */
  send(report: Uint8Array): void {
    if (this.#awake) this.#wire?.send(report);
  }
}
