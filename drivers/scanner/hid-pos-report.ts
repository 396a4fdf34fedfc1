import { DriverError } from '../errors.ts';
import { type AimRules, inferSymbology, isAimIdentifier, normalise } from './aim.ts';
import { longestCode, type ScannedCode } from './scanned-code.ts';

export { longestCode, type ScannedCode } from './scanned-code.ts';

/**
 * Input report of HID POS scanners (USB HID Point of Sale usage tables 1.02, usage page 0x8C; layout of the
 * Access-IS LSR118): [0] report id 2, [1] number of data bytes, [2–4] AIM identifier, [5–60] data, [61] the vendor's
 * symbology, [63] bit 0: more follows in the next report.
 */
export const hidPosReportBytes = 64;
const standard = { reportId: 0x02, lengthAt: 1, aimAt: 2, dataBytes: 56, symbologyAt: 61, continuedAt: 63 };
const bracket = 0x5d;
/** Wider than the standard: makers have identifiers of their own. */
const identifier = /^\][\x21-\x7e]{2}$/;

/** What vendors do differently, as data; rows of `hid-pos-quirks.ts`. */
export interface HidPosQuirks {
  /** Id of the report that carries codes. */
  readonly reportId?: number | undefined;
  /** The length byte counts one more than there are data bytes. */
  readonly lengthCountsOneMore?: boolean | undefined;
  /**
   * Offset of the AIM identifier, with the data right behind it. Some devices have it one byte later than others of the
   * same maker, so that where this is left out the bracket decides.
   */
  readonly aimAt?: number | undefined;
  /** Offset of the byte in which bit 0 says that more follows. */
  readonly continuedAt?: number | undefined;
  /** Offset of the vendor's own symbology byte, and what it means where the AIM identifier is missing. */
  readonly symbologyAt?: number | undefined;
  readonly symbologies?: Readonly<Record<number, string>> | undefined;
  /** One of these bytes at the end of a code is the scanner's suffix, counted as data. */
  readonly suffixes?: readonly number[] | undefined;
  /** Identifiers of what is no code, such as answers to commands. */
  readonly notCodes?: readonly string[] | undefined;
}

/** Cuts a code into reports, 56 data bytes each. `symbology` must be an AIM identifier of three ASCII characters. */
export function hidPosReports(code: ScannedCode, quirks: HidPosQuirks = {}): Uint8Array[] {
  if (!identifier.test(code.symbology)) {
    throw new RangeError(`${JSON.stringify(code.symbology)} is not an AIM identifier`);
  }
  if (code.data.length > longestCode) throw new RangeError(`a code of ${code.data.length} bytes is too long`);
  const aimAt = quirks.aimAt ?? standard.aimAt;
  const reports: Uint8Array[] = [];
  let start = 0;
  do {
    const part = code.data.subarray(start, start + standard.dataBytes);
    start += standard.dataBytes;
    const report = new Uint8Array(hidPosReportBytes);
    report[0] = quirks.reportId ?? standard.reportId;
    report[standard.lengthAt] = part.length + (quirks.lengthCountsOneMore === true ? 1 : 0);
    report.set(new TextEncoder().encode(code.symbology), aimAt);
    report.set(part, aimAt + 3);
    report[quirks.continuedAt ?? standard.continuedAt] = start < code.data.length ? 1 : 0;
    reports.push(report);
  } while (start < code.data.length);
  return reports;
}

/** Puts codes together from reports. After a report that it refuses it starts anew. */
export class HidPosAssembler {
  readonly #quirks: HidPosQuirks;
  readonly #withoutAim: AimRules['withoutAim'];
  #parts: Uint8Array[] = [];
  #length = 0;
  #symbology: string | undefined;

  /** @param withoutAim what codes may be for which neither identifier nor symbology byte says it */
  constructor(quirks: HidPosQuirks = {}, withoutAim: AimRules['withoutAim'] = []) {
    this.#quirks = quirks;
    this.#withoutAim = withoutAim;
  }

  /** Whether a code is begun of which more must follow. */
  get unfinished(): boolean {
    return this.#symbology !== undefined;
  }

  /** Takes one report; answers with the code that it completes. Throws DriverError CW-DRV-006. */
  push(report: Uint8Array): ScannedCode | undefined {
    try {
      return this.#push(report);
    } catch (error) {
      this.reset();
      throw error;
    }
  }

  /** Forgets an unfinished code, as after an unplug. */
  reset(): void {
    this.#parts = [];
    this.#length = 0;
    this.#symbology = undefined;
  }

  #push(report: Uint8Array): ScannedCode | undefined {
    const id = this.#quirks.reportId ?? standard.reportId;
    if (report.length !== hidPosReportBytes || report[0] !== id) {
      throw refused(`${report.length} bytes with id ${report[0] ?? 'none'}, not 64 with id ${id}`);
    }
    const length = (report[standard.lengthAt] ?? 0) - (this.#quirks.lengthCountsOneMore === true ? 1 : 0);
    if (length < 0 || length > standard.dataBytes)
      throw refused(`a length of ${length} data bytes; 0 to 56 are possible`);
    const aimAt = this.#aimAt(report);
    const symbology = this.#symbologyOf(report, aimAt);
    if (this.#symbology !== undefined && this.#symbology !== symbology) {
      throw refused(`a continuation as ${symbology} of a code that began as ${this.#symbology}`);
    }
    const continued = ((report[this.#quirks.continuedAt ?? standard.continuedAt] ?? 0) & 1) === 1;
    if (continued && length < standard.dataBytes)
      throw refused(`a continued report with ${length} of 56 data bytes`);
    this.#length += length;
    if (this.#length > longestCode) throw refused(`a code of more than ${longestCode} bytes`);
    this.#parts.push(report.slice(aimAt + 3, aimAt + 3 + length));
    this.#symbology = symbology;
    return continued ? undefined : this.#completed(symbology);
  }

  #aimAt(report: Uint8Array): number {
    if (this.#quirks.aimAt !== undefined) return this.#quirks.aimAt;
    const later = report[standard.aimAt] !== bracket && report[standard.aimAt + 1] === bracket;
    return standard.aimAt + (later ? 1 : 0);
  }

  /** The AIM identifier; where its bytes are blank, what the vendor's byte means, or nothing. */
  #symbologyOf(report: Uint8Array, aimAt: number): string {
    const bytes = report.subarray(aimAt, aimAt + 3);
    const symbology = String.fromCharCode(...bytes);
    if (identifier.test(symbology)) return symbology;
    if (!bytes.every((byte) => byte === 0x00 || byte === 0x20)) throw refused('no AIM identifier at byte 2');
    const vendors = report[this.#quirks.symbologyAt ?? standard.symbologyAt] ?? 0;
    return this.#quirks.symbologies?.[vendors] ?? '';
  }

  #completed(symbology: string): ScannedCode | undefined {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    this.reset();
    if (this.#quirks.notCodes?.includes(symbology)) return undefined;
    const suffixed = this.#quirks.suffixes?.includes(all.at(-1) ?? -1) === true;
    const data = suffixed ? all.subarray(0, -1) : all;
    if (symbology === '') return { data, symbology: inferSymbology(data, this.#withoutAim) };
    return isAimIdentifier(symbology) ? normalise({ data, symbology }) : { data, symbology };
  }
}

function refused(what: string): DriverError {
  return new DriverError(
    'CW-DRV-006',
    `the scanner sent a report of ${what}; set it to HID POS mode, or its vendor quirk in the profile`,
  );
}
