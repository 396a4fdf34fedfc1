import { DriverError } from '../errors.ts';

/**
 * Input report of HID POS scanners (USB HID Point of Sale usage tables 1.02, usage page 0x8C; layout of the
 * Access-IS LSR118): [0] report id 2, [1] number of data bytes, [2–4] AIM identifier, [5–60] data, [61] the vendor's
 * symbology, [63] bit 0: more follows in the next report.
 */
export const hidPosReportBytes = 64;
const reportId = 0x02;
const dataStart = 5;
const dataBytes = 56;
const continuedAt = 63;

/** The longest code that is put together: beyond any retail symbology (QR: 2,953 bytes), so that memory stays bounded. */
export const longestCode = 4_096;

/** What vendors do differently, as data. */
export interface HidPosQuirks {
  /** The length byte counts one more than there are data bytes (some Honeywell firmware). */
  readonly lengthCountsOneMore?: boolean;
}

export interface ScannedCode {
  readonly data: Uint8Array;
  /** AIM identifier with its bracket. */
  readonly symbology: string;
}

/** Cuts a code into reports, 56 data bytes each. `symbology` must be an AIM identifier of three ASCII characters. */
export function hidPosReports(code: ScannedCode, quirks: HidPosQuirks = {}): Uint8Array[] {
  if (!/^\][\x20-\x7e]{2}$/.test(code.symbology)) {
    throw new RangeError(`${JSON.stringify(code.symbology)} is not an AIM identifier`);
  }
  if (code.data.length > longestCode) throw new RangeError(`a code of ${code.data.length} bytes is too long`);
  const reports: Uint8Array[] = [];
  let start = 0;
  do {
    const part = code.data.subarray(start, start + dataBytes);
    start += dataBytes;
    const report = new Uint8Array(hidPosReportBytes);
    report[0] = reportId;
    report[1] = part.length + (quirks.lengthCountsOneMore === true ? 1 : 0);
    report.set(new TextEncoder().encode(code.symbology), 2);
    report.set(part, dataStart);
    report[continuedAt] = start < code.data.length ? 1 : 0;
    reports.push(report);
  } while (start < code.data.length);
  return reports;
}

/** Puts codes together from reports. After a report that it refuses it starts anew. */
export class HidPosAssembler {
  readonly #quirks: HidPosQuirks;
  #parts: Uint8Array[] = [];
  #length = 0;
  #symbology: string | undefined;

  constructor(quirks: HidPosQuirks = {}) {
    this.#quirks = quirks;
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
    if (report.length !== hidPosReportBytes || report[0] !== reportId) {
      throw refused(`${report.length} bytes with id ${report[0] ?? 'none'}, not 64 with id 2`);
    }
    const length = (report[1] ?? 0) - (this.#quirks.lengthCountsOneMore === true ? 1 : 0);
    if (length < 0 || length > dataBytes)
      throw refused(`a length of ${length} data bytes; 0 to 56 are possible`);
    const symbology = String.fromCharCode(...report.subarray(2, 5));
    if (!/^\][\x20-\x7e]{2}$/.test(symbology)) throw refused('no AIM identifier at byte 2');
    if (this.#symbology !== undefined && this.#symbology !== symbology) {
      throw refused(`a continuation as ${symbology} of a code that began as ${this.#symbology}`);
    }
    const continued = ((report[continuedAt] ?? 0) & 1) === 1;
    if (continued && length < dataBytes) throw refused(`a continued report with ${length} of 56 data bytes`);
    this.#length += length;
    if (this.#length > longestCode) throw refused(`a code of more than ${longestCode} bytes`);
    this.#parts.push(report.slice(dataStart, dataStart + length));
    this.#symbology = symbology;
    if (continued) return undefined;
    const data = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      data.set(part, at);
      at += part.length;
    }
    this.reset();
    return { data, symbology };
  }
}

function refused(what: string): DriverError {
  return new DriverError(
    'CW-DRV-006',
    `the scanner sent a report of ${what}; set it to HID POS mode, or its vendor quirk in the profile`,
  );
}
