import { z } from 'zod';
import { describeError } from '#base/errors.ts';
import { type Driver, type DriverContext, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import type { ReportPort, UsbMatch } from '../ports/ports.ts';
import { aimOptions } from './aim.ts';
import { findHidPosRow, findOpened, type HidPosRow } from './hid-pos-quirks.ts';
import { HidPosAssembler, type HidPosQuirks } from './hid-pos-report.ts';
import { repeatOptions } from './repeats.ts';
import type { ScannedCode } from './scanned-code.ts';
import { ScannerDevice, type ScannerTalk, type ScanReceiver } from './scanner-device.ts';
import { hexBytes, usbMatch } from './shared-options.ts';
import { afterSilence } from './silence.ts';

const usagePage = 0x8c;
/** Between the reports of one code there are a few ms; what is unfinished for this long has lost its end, µs. */
const continuationUs = 500_000;

const offset = z.int().min(1).max(63);
const options = z.strictObject({
  match: usbMatch,
  quirks: z
    .strictObject({
      reportId: z
        .int()
        .min(0)
        .max(255)
        .optional()
        .describe('Id of the report that carries codes. Default 2.'),
      lengthCountsOneMore: z
        .boolean()
        .optional()
        .describe('The length byte counts one more than there are data bytes.'),
      aimAt: offset
        .optional()
        .describe('Offset of the AIM identifier, bytes. Default 2, or 3 where it is there.'),
      continuedAt: offset
        .optional()
        .describe('Offset of the byte that says whether more follows. Default 63.'),
      symbologyAt: offset.optional().describe("Offset of the vendor's symbology byte. Default 61."),
      suffixes: z
        .array(z.int().min(0).max(255))
        .optional()
        .describe('Bytes that the scanner adds at the end of a code as its suffix, to be left out.'),
      initialise: z
        .array(hexBytes)
        .optional()
        .describe('Feature reports to send after opening, hexadecimal, the report id first.'),
      symbologies: z
        .record(z.string().regex(/^[0-9]{1,3}$/), z.string().regex(/^\][A-Za-z][0-9A-Za-z]$/))
        .optional()
        .describe(
          'AIM identifier by value of the vendor symbology byte (decimal), where the scanner sends none.',
        ),
    })
    .default({})
    .describe("What this scanner does differently; added to its row of the driver's table of vendors."),
  withoutAim: aimOptions.withoutAim,
  ...repeatOptions,
});
type HidPosOptions = z.infer<typeof options>;

/** A barcode scanner in HID POS mode (USB usage page 0x8C): whole reports, symbology included, no keyboard involved. */
export const hidPosScanner: Driver<HidPosOptions> = {
  contract: driverContract,
  name: 'hid-pos-scanner',
  kind: 'scanner',
  options,

  async discover(context) {
    const attached = await context.ports.list('hid');
    return attached.filter((one) => one.usagePage === usagePage).map((one) => one.identity);
  },

  async open(chosen, context) {
    const port = await context.ports.reports({ match: chosen.match, usagePage });
    try {
      const row = await rowOf(port, chosen.match, context);
      return new ScannerDevice<Uint8Array>(
        context,
        port,
        chosen.duplicateWindowMs,
        (receiver) => new HidPosTalk(context, port, chosen, row, receiver),
      );
    } catch (error) {
      await port.close();
      throw error;
    }
  },
};

/**
 * The table's row: by the ids of the opened device, else of what is attached. A machine that can't list that still reads
 * scanners of the standard layout.
 */
async function rowOf(
  port: ReportPort,
  match: UsbMatch,
  context: DriverContext,
): Promise<HidPosRow | undefined> {
  if (match.vendorId !== undefined && match.productId !== undefined) {
    return findHidPosRow(match.vendorId, match.productId);
  }
  if (port.identity.usbId !== undefined) return findHidPosRow(...ids(port.identity.usbId));
  try {
    const found = findOpened(await context.ports.list('hid'), match, port.identity, usagePage);
    return findHidPosRow(found?.vendorId ?? match.vendorId, found?.productId);
  } catch (error) {
    context.log.debug(
      { device: context.id, err: describeError(error) },
      'attached devices can not be listed',
    );
    return findHidPosRow(match.vendorId, undefined);
  }
}

function ids(usbId: string): [vendorId: string | undefined, productId: string | undefined] {
  const [vendorId, productId] = usbId.split(':');
  return [vendorId, productId];
}

class HidPosTalk implements ScannerTalk<Uint8Array> {
  readonly actions: readonly string[];
  readonly #context: DriverContext;
  readonly #port: ReportPort;
  readonly #row: HidPosRow | undefined;
  readonly #initialise: readonly (readonly number[])[];
  readonly #receiver: ScanReceiver;
  readonly #assembler: HidPosAssembler;
  /** It did not take a feature report, and delivered no code since. */
  #refused = false;
  #cancelContinuation: (() => void) | undefined;

  constructor(
    context: DriverContext,
    port: ReportPort,
    { quirks, withoutAim }: HidPosOptions,
    row: HidPosRow | undefined,
    receiver: ScanReceiver,
  ) {
    this.#context = context;
    this.#port = port;
    this.#row = row;
    const { initialise, ...layout } = quirks;
    this.#initialise = initialise?.map((bytes) => [...bytes]) ?? row?.initialise ?? [];
    this.#receiver = receiver;
    this.#assembler = new HidPosAssembler(merged(row?.quirks, layout), withoutAim);
    this.actions = Object.keys(row?.commands ?? {});
  }

  async begin(): Promise<void> {
    for (const report of this.#initialise) {
      try {
        await this.#port.sendFeature(Uint8Array.from(report));
      } catch (error) {
        // Models of the same maker differ: one that refuses may deliver codes all the same.
        this.#refused = true;
        this.#receiver.fault({
          fault: 'configuration',
          code: 'CW-DRV-020',
          message: `${this.#context.id} did not take feature report ${report[0]} (${this.#row?.name ?? 'of its quirks'}): ${describeError(error)}; set it to HID POS mode`,
        });
        return;
      }
    }
  }

  heard(report: Uint8Array, atUs: number): void {
    this.#cancelContinuation?.();
    this.#cancelContinuation = undefined;
    try {
      const code = this.#assembler.push(report);
      if (code !== undefined) this.#code(code, atUs);
      else if (this.#assembler.unfinished) this.#awaitContinuation();
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      this.#receiver.damaged(error);
    }
  }

  ended(): void {
    this.#cancelContinuation?.();
    this.#cancelContinuation = undefined;
    this.#assembler.reset();
  }

  async call(action: string): Promise<unknown> {
    await this.#port.write(Uint8Array.from(this.#row?.commands?.[action] ?? []));
    return {};
  }

  #code(code: ScannedCode, atUs: number): void {
    if (this.#refused) {
      this.#refused = false;
      const message = `${this.#context.id} delivers codes`;
      this.#receiver.fault({ fault: 'configuration', code: 'CW-DRV-020', message, cleared: true });
    }
    this.#receiver.code(code, atUs);
  }

  /** The end of a code can be lost in the kernel's ring of reports; the next code must not be joined to it. */
  #awaitContinuation(): void {
    this.#cancelContinuation = afterSilence(this.#context.clock, continuationUs, () => {
      this.#cancelContinuation = undefined;
      this.#assembler.reset();
      this.#receiver.damaged(
        new DriverError(
          'CW-DRV-017',
          `the end of a long code did not reach ${this.#context.id}; scan it again`,
        ),
      );
    });
  }
}

/** The table's quirks with what the profile says differently. */
function merged(row: HidPosQuirks | undefined, own: HidPosQuirks): HidPosQuirks {
  const said = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  return { ...row, ...said, symbologies: { ...row?.symbologies, ...own.symbologies } };
}
