import type { DeviceFault } from '#readings/faults.ts';
import type { ReadingSink } from '#readings/readings.ts';
import { Repeats } from '#readings/repeats.ts';
import type { Device, DeviceIdentity, DriverContext } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { FaultBus } from '../fault-bus.ts';
import type { Port, PortListener } from '../ports/ports.ts';

import type { ScannedCode } from './scanned-code.ts';

/**
 * A fault of damaged data ends when nothing damaged came for this long, µs. Not with the next good code: where every
 * second one is damaged, the fault would be told and ended with each, and all of that is stored and sent.
 */
const quietUs = 800_000;

/** What a scanner's driver tells of what it hears. */
export interface ScanReceiver {
  /** A code was read at `atUs`. */
  code(code: ScannedCode, atUs: number): void;
  /** Something came that is no code (CW-DRV-006): counted, told as a fault, and reading goes on. */
  damaged(error: DriverError): void;
  /** Anything else that is wrong with the scanner, or no longer is. */
  fault(fault: DeviceFault): void;
}

/** What differs between scanners: how their data becomes codes. */
export interface ScannerTalk<Data> {
  heard(data: Data, atUs: number): void;
  /** The port is gone or closed: timers end, what was unfinished is forgotten. */
  ended(error: DriverError | undefined): void;
  /** Before readings flow: what the scanner must be told first. */
  begin?(): Promise<void>;
  call?(action: string, args: unknown): Promise<unknown>;
  /** Names of its calls, for the message about an unknown one. */
  readonly actions?: readonly string[];
}

export interface ScannerCounts {
  /** Codes delivered. */
  readonly read: number;
  /** Repeats left out. */
  readonly repeats: number;
  /** Reports, packets or texts that were no codes. */
  readonly damaged: number;
}

interface Listening<Data> extends Port {
  listen(listener: PortListener<Data>): void;
}

/**
 * A scanner on an open port: life cycle, repeats, counts and faults, the same for all. Besides its own calls it knows
 * `counts`, which answers with `ScannerCounts`.
 */
export class ScannerDevice<Data> implements Device, ScanReceiver {
  readonly identity: DeviceIdentity;
  readonly faults: FaultBus;
  readonly #context: DriverContext;
  readonly #port: Listening<Data>;
  readonly #repeats: Repeats;
  readonly #talk: ScannerTalk<Data>;
  #sink: ReadingSink | undefined;
  #state: 'open' | 'started' | 'over' = 'open';
  #read = 0;
  #leftOut = 0;
  #damaged = 0;
  #cancelQuiet: (() => void) | undefined;

  constructor(
    context: DriverContext,
    port: Listening<Data>,
    windowMs: number,
    talk: (receiver: ScanReceiver) => ScannerTalk<Data>,
  ) {
    this.#context = context;
    this.#port = port;
    this.#repeats = new Repeats(windowMs);
    this.identity = port.identity;
    this.faults = new FaultBus((error) => context.log.error({ error }, 'a fault listener threw'));
    this.#talk = talk(this);
  }

  async start(sink: ReadingSink): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'started';
    this.#sink = sink;
    this.#port.listen({
      data: (data, atUs) => {
        if (this.#state === 'started') this.#talk.heard(data, atUs);
      },
      lost: (error) => this.#lost(error),
    });
    await this.#talk.begin?.();
  }

  async stop(): Promise<void> {
    this.#end(undefined);
    await this.#port.close();
  }

  async call(action: string, args: unknown): Promise<unknown> {
    if (action === 'counts') return this.#counts();
    const actions = this.#talk.actions ?? [];
    if (this.#talk.call === undefined || !actions.includes(action)) {
      throw new DriverError(
        'CW-DRV-009',
        `${this.#context.id} does not know the call ${action}; it knows: ${[...actions, 'counts'].join(', ')}`,
      );
    }
    if (this.#state !== 'started') {
      throw new DriverError('CW-DRV-005', `${this.#context.id} is not open; call it when it is running`);
    }
    return this.#talk.call(action, args);
  }

  code(code: ScannedCode, atUs: number): void {
    if (code.data.length === 0) {
      this.damaged(notUnderstood('a code without data', 'check its prefix and suffix, and scan again'));
      return;
    }
    const { admitted, leftOut } = this.#repeats.admit(code, atUs);
    if (!admitted) {
      this.#leftOut += 1;
      return;
    }
    this.#read += 1;
    if (leftOut > 0) {
      this.#context.log.debug({ device: this.#context.id, leftOut }, 'repeats of a code were left out');
    }
    this.#sink?.({
      kind: 'scan',
      source: this.#context.id,
      atUs,
      data: code.data,
      symbology: code.symbology,
    });
  }

  damaged(error: DriverError): void {
    if (this.#state === 'over') return;
    this.#damaged += 1;
    const standing = this.#cancelQuiet !== undefined;
    this.#cancelQuiet?.();
    this.#cancelQuiet = this.#context.clock.after(quietUs, () => this.#clear());
    if (standing) return;
    this.faults.emit({ fault: 'integrity', code: error.code, message: error.message });
  }

  fault(fault: DeviceFault): void {
    if (this.#state !== 'over') this.faults.emit(fault);
  }

  #counts(): ScannerCounts {
    return { read: this.#read, repeats: this.#leftOut, damaged: this.#damaged };
  }

  #clear(): void {
    if (this.#cancelQuiet === undefined) return;
    this.#cancelQuiet();
    this.#cancelQuiet = undefined;
    this.faults.emit({
      fault: 'integrity',
      code: 'CW-DRV-006',
      message: `${this.#context.id} sends good data again; ${this.#damaged} damaged so far`,
      cleared: true,
    });
  }

  #lost(error: DriverError): void {
    if (this.#state === 'over') return;
    this.#end(error);
    this.faults.emit({ fault: 'disconnected', code: error.code, message: error.message });
  }

  #end(error: DriverError | undefined): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#sink = undefined;
    this.#cancelQuiet?.();
    this.#cancelQuiet = undefined;
    this.#talk.ended(error);
  }
}

/** A fault's error: what came, and what to do about it. */
export function notUnderstood(what: string, todo: string): DriverError {
  return new DriverError('CW-DRV-006', `the scanner sent ${what}; ${todo}`);
}
