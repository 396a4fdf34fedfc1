import type { Clock } from '#base/clock.ts';
import { DriverError } from '../../errors.ts';
import type { InputEvent, Port, PortListener, Ports } from '../ports.ts';
import {
  fromHex,
  questions,
  type RawLine,
  type RawPortKind,
  type RawRecording,
  readFailure,
  readIdentity,
} from './format.ts';

type Opening = Extract<RawLine, { open: RawPortKind }>;
type Answered = Extract<RawLine, { ask: string }>;

/** A question is looked for this far ahead: a driver that was mended may ask a little less than it did. */
const lookAhead = 64;

/** A port as it was recorded: from its opening to its end. */
interface RecordedPort {
  readonly opening: Opening;
  readonly lines: RawLine[];
  claimed: boolean;
}

/**
 * Ports that play a recording back on a clock: what came in comes in again at its time, questions get the answers that
 * were recorded, in order. What the driver writes is taken without comparing it, so that a driver can be mended and
 * tried on yesterday's bytes. Ports are independent: of what came at one and the same microsecond on two, either may be first.
 */
export class ReplayPorts implements Ports {
  readonly #clock: Clock;
  readonly #originUs: number;
  readonly #recorded: RecordedPort[] = [];

  constructor(recording: RawRecording, clock: Clock) {
    this.#clock = clock;
    this.#originUs = recording.header.originUs;
    const byNumber = new Map<number, RecordedPort>();
    for (const line of recording.lines) {
      if ('open' in line) {
        const port = { opening: line, lines: [], claimed: false };
        byNumber.set(line.port, port);
        this.#recorded.push(port);
      } else byNumber.get(line.port)?.lines.push(line);
    }
  }

  /** When the next port that was not asked for yet was opened, µs on the clock. */
  get nextOpeningUs(): number | undefined {
    const next = this.#recorded.find(({ claimed }) => !claimed);
    return next === undefined ? undefined : next.opening.t + this.#originUs;
  }

  /** How many of the recorded ports were asked for. */
  get claimed(): number {
    return this.#recorded.filter(({ claimed }) => claimed).length;
  }

  async bytes(): ReturnType<Ports['bytes']> {
    const playback = await this.#claim<Uint8Array>('bytes', dataIn);
    return { ...playback.port(), listen: (listener) => playback.listen(listener), write: playback.write };
  }

  async reports(): ReturnType<Ports['reports']> {
    const playback = await this.#claim<Uint8Array>('reports', dataIn);
    return {
      ...playback.port(),
      listen: (listener) => playback.listen(listener),
      write: playback.write,
      sendFeature: async (report) => void (await playback.ask(questions.sendFeature(report))),
      getFeature: async (id, bytes) => fromHex(oneText(await playback.ask(questions.feature(id, bytes)))),
    };
  }

  async input(): ReturnType<Ports['input']> {
    const playback = await this.#claim<InputEvent>('input', eventIn);
    return { ...playback.port(), listen: (listener) => playback.listen(listener) };
  }

  async i2c(): ReturnType<Ports['i2c']> {
    const playback = await this.#claim<never>('i2c', () => undefined);
    return {
      ...playback.port(),
      onLost: (lost) => playback.listen({ data: () => {}, lost }),
      transfer: async (address, write, readBytes) => {
        const answer = await playback.ask(questions.i2c(address, write, readBytes));
        return { data: fromHex(oneText(answer)), atUs: this.#clock.nowUs() };
      },
    };
  }

  async attributes(): ReturnType<Ports['attributes']> {
    const playback = await this.#claim<never>('attributes', () => undefined);
    return {
      ...playback.port(),
      read: async (name) => oneText(await playback.ask(questions.read(name))),
      write: async (name, text) => void (await playback.ask(questions.write(name, text))),
      list: async () => [await playback.ask(questions.list())].flat(),
    };
  }

  async lines(): ReturnType<Ports['lines']> {
    const playback = await this.#claim<never>('lines', () => undefined);
    return { ...playback.port(), set: async (values) => void (await playback.ask(questions.set(values))) };
  }

  async video(): ReturnType<Ports['video']> {
    throw neverRecorded();
  }

  async program(): ReturnType<Ports['program']> {
    throw neverRecorded();
  }

  async pictures(): ReturnType<Ports['pictures']> {
    throw neverRecorded();
  }

  async list(): ReturnType<Ports['list']> {
    return [];
  }

  async #claim<Data>(kind: RawPortKind, read: (line: RawLine) => Data | undefined): Promise<Playback<Data>> {
    const port = this.#recorded.find(({ claimed, opening }) => !claimed && opening.open === kind);
    if (port === undefined) {
      throw new DriverError('CW-DRV-004', `the recording has no further port of the kind ${kind}`);
    }
    port.claimed = true;
    await until(this.#clock, port.opening.t + this.#originUs);
    if ('refused' in port.opening) throw readFailure(port.opening.refused);
    return new Playback(this.#clock, this.#originUs, port, read);
  }
}

function neverRecorded(): DriverError {
  const message =
    'what cameras deliver is never recorded; try this driver on the camera itself, or on its bench';
  return new DriverError('CW-DRV-019', message);
}

function dataIn(line: RawLine): Uint8Array | undefined {
  return 'in' in line ? fromHex(line.in) : undefined;
}

function eventIn(line: RawLine): InputEvent | undefined {
  if (!('event' in line)) return undefined;
  const [type, code, value] = line.event;
  return { type, code, value };
}

function oneText(answer: string | readonly string[]): string {
  return typeof answer === 'string' ? answer : answer.join('\n');
}

function until(clock: Clock, atUs: number): Promise<void> {
  const waitUs = atUs - clock.nowUs();
  if (waitUs <= 0) return Promise.resolve();
  return new Promise((resolve) => void clock.after(waitUs, resolve));
}

/** One recorded port while a driver has it open. */
class Playback<Data> {
  readonly #clock: Clock;
  readonly #originUs: number;
  readonly #recorded: RecordedPort;
  readonly #read: (line: RawLine) => Data | undefined;
  readonly #answers: Answered[];
  readonly #closing = Promise.withResolvers<never>();
  #cursor = 0;
  #cancel: (() => void) | undefined;
  #open = true;

  constructor(
    clock: Clock,
    originUs: number,
    recorded: RecordedPort,
    read: (line: RawLine) => Data | undefined,
  ) {
    this.#clock = clock;
    this.#originUs = originUs;
    this.#recorded = recorded;
    this.#read = read;
    this.#answers = recorded.lines.filter((line): line is Answered => 'ask' in line);
    this.#closing.promise.catch(() => {});
  }

  port(): Port {
    const { opening } = this.#recorded;
    return {
      identity: 'identity' in opening ? readIdentity(opening.identity) : {},
      close: async () => {
        this.#open = false;
        this.#cancel?.();
        this.#closing.reject(new DriverError('CW-DRV-005', 'the replayed port was closed'));
      },
    };
  }

  readonly write = async (): Promise<void> => {
    if (!this.#open) throw new DriverError('CW-DRV-005', 'the replayed port is closed');
  };

  /** Gives what was recorded at its times; what lies in the past already, at once and in order. */
  listen(listener: PortListener<Data>): void {
    const next = (from: number) => {
      const { lines } = this.#recorded;
      for (let index = from; index < lines.length && this.#open; index++) {
        const line = lines[index];
        if (line === undefined) return;
        const data = this.#read(line);
        const lost = 'lost' in line ? readFailure(line.lost) : undefined;
        if (data === undefined && lost === undefined) continue;
        const atUs = line.t + this.#originUs;
        this.#cancel = this.#clock.after(atUs - this.#clock.nowUs(), () => {
          if (data !== undefined) listener.data(data, atUs);
          if (lost !== undefined) {
            this.#open = false;
            listener.lost(lost);
          }
          next(index + 1);
        });
        return;
      }
    };
    next(0);
  }

  /** The recorded answer, not before its time. Rejects with what was recorded, or CW-DRV-019 where there is none. */
  async ask(question: string): Promise<string | readonly string[]> {
    await this.write();
    const from = this.#answers.slice(this.#cursor, this.#cursor + lookAhead);
    const found = from.findIndex(({ ask }) => ask === question);
    const line = from[found];
    // After its end a recording is silent, as hardware that takes its time.
    if (from.length === 0) return this.#closing.promise;
    if (line === undefined) {
      throw new DriverError(
        'CW-DRV-019',
        `the recording has no answer to "${question}" after ${this.#cursor} others; it was made with another driver or other options`,
      );
    }
    this.#cursor += found + 1;
    await Promise.race([until(this.#clock, line.t + this.#originUs), this.#closing.promise]);
    if ('failed' in line) throw readFailure(line.failed);
    return line.answer;
  }
}
