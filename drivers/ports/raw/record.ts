import type { Clock } from '#base/clock.ts';
import type {
  AttributePort,
  BytePort,
  I2cPort,
  InputPort,
  LinePort,
  Port,
  PortListener,
  Ports,
  ReportPort,
} from '../ports.ts';
import { questions, type RawHeader, type RawPortKind, toHex, writeFailure } from './format.ts';

/**
 * Begins a raw recording of one device: the function that it answers with wraps the device's ports, each time it is
 * opened, in ports that write down everything that crosses them, and otherwise behave the same. `write` takes one line
 * without its line feed; it must not throw.
 */
export function recordPorts(
  header: RawHeader,
  clock: Clock,
  write: (line: string) => void,
): (ports: Ports) => Ports {
  write(JSON.stringify(header));
  const recorder = new Recorder(header.originUs, clock, write);
  return (ports) => tap(ports, recorder);
}

function tap(ports: Ports, recorder: Recorder): Ports {
  return {
    bytes: recorder.opener('bytes', (request) => ports.bytes(request), recordBytes),
    reports: recorder.opener('reports', (request) => ports.reports(request), recordReports),
    input: recorder.opener('input', (request) => ports.input(request), recordInput),
    i2c: recorder.opener('i2c', (request) => ports.i2c(request), recordI2c),
    attributes: recorder.opener('attributes', (request) => ports.attributes(request), recordAttributes),
    lines: recorder.opener('lines', (request) => ports.lines(request), recordLines),
    // Pictures never go to disk, in no form: what cameras deliver is left out of recordings altogether.
    video: (request) => ports.video(request),
    program: (request) => ports.program(request),
    pictures: (request) => ports.pictures(request),
    list: (kind) => ports.list(kind),
  };
}

const same = <Value>(value: Value) => value;
const nothing = () => '';

/** Lines of one port. */
interface PortLog {
  line(fields: object, atUs?: number): void;
  ask<Answer>(
    question: string,
    action: () => Promise<Answer>,
    written: (answer: Answer) => string | readonly string[],
    atUs?: (answer: Answer) => number,
  ): Promise<Answer>;
}

class Recorder {
  readonly #originUs: number;
  readonly #clock: Clock;
  readonly #write: (line: string) => void;
  #ports = 0;
  #lastT = 0;

  constructor(originUs: number, clock: Clock, write: (line: string) => void) {
    this.#originUs = originUs;
    this.#clock = clock;
    this.#write = write;
  }

  /** A way to open ports that writes down whether they opened, and whose ports `wrap` makes write the rest. */
  opener<Request, Opened extends Port>(
    kind: RawPortKind,
    opening: (request: Request) => Promise<Opened>,
    wrap: (port: Opened, log: PortLog) => Opened,
  ): (request: Request) => Promise<Opened> {
    return async (request) => {
      this.#ports += 1;
      const log = this.#log(this.#ports);
      try {
        const port = await opening(request);
        log.line({ open: kind, request, identity: port.identity });
        return wrap(port, log);
      } catch (error) {
        log.line({ open: kind, request, refused: writeFailure(error) });
        throw error;
      }
    };
  }

  #log(port: number): PortLog {
    const line = (fields: object, atUs = this.#clock.nowUs()) => {
      // What was stamped before the line before it is written at that line's time: the order is what was seen.
      this.#lastT = Math.max(this.#lastT, Math.round(atUs) - this.#originUs);
      this.#write(JSON.stringify({ t: this.#lastT, port, ...fields }));
    };
    return {
      line,
      async ask(question, action, written, atUs) {
        try {
          const answer = await action();
          line({ ask: question, answer: written(answer) }, atUs?.(answer));
          return answer;
        } catch (error) {
          line({ ask: question, failed: writeFailure(error) });
          throw error;
        }
      },
    };
  }
}

function recordPort(port: Port, log: PortLog): Port {
  return {
    identity: port.identity,
    close: async () => {
      log.line({ close: true });
      await port.close();
    },
  };
}

function recordListener<Data>(
  listener: PortListener<Data>,
  log: PortLog,
  written: (data: Data) => object,
): PortListener<Data> {
  return {
    data: (data, atUs) => {
      log.line(written(data), atUs);
      listener.data(data, atUs);
    },
    lost: (error) => {
      log.line({ lost: writeFailure(error) });
      listener.lost(error);
    },
  };
}

const writtenBytes = (bytes: Uint8Array) => ({ in: toHex(bytes) });

function recordBytes(port: BytePort, log: PortLog): BytePort {
  return {
    ...recordPort(port, log),
    listen: (listener) => port.listen(recordListener(listener, log, writtenBytes)),
    write: (bytes) => {
      log.line({ out: toHex(bytes) });
      return port.write(bytes);
    },
  };
}

function recordReports(port: ReportPort, log: PortLog): ReportPort {
  return {
    ...recordPort(port, log),
    listen: (listener) => port.listen(recordListener(listener, log, writtenBytes)),
    write: (report) => {
      log.line({ out: toHex(report) });
      return port.write(report);
    },
    sendFeature: (report) => log.ask(questions.sendFeature(report), () => port.sendFeature(report), nothing),
    getFeature: (reportId, bytes) =>
      log.ask(questions.feature(reportId, bytes), () => port.getFeature(reportId, bytes), toHex),
  };
}

function recordInput(port: InputPort, log: PortLog): InputPort {
  return {
    ...recordPort(port, log),
    listen: (listener) =>
      port.listen(recordListener(listener, log, ({ type, code, value }) => ({ event: [type, code, value] }))),
  };
}

function recordI2c(port: I2cPort, log: PortLog): I2cPort {
  return {
    ...recordPort(port, log),
    onLost: (listener) =>
      port.onLost((error) => {
        log.line({ lost: writeFailure(error) });
        listener(error);
      }),
    transfer: (address, bytes, readBytes) =>
      log.ask(
        questions.i2c(address, bytes, readBytes),
        () => port.transfer(address, bytes, readBytes),
        ({ data }) => toHex(data),
        ({ atUs }) => atUs,
      ),
  };
}

function recordAttributes(port: AttributePort, log: PortLog): AttributePort {
  return {
    ...recordPort(port, log),
    read: (name) => log.ask(questions.read(name), () => port.read(name), same),
    write: (name, text) => log.ask(questions.write(name, text), () => port.write(name, text), nothing),
    list: () => log.ask(questions.list(), () => port.list(), same),
  };
}

function recordLines(port: LinePort, log: PortLog): LinePort {
  return {
    ...recordPort(port, log),
    set: (values) => log.ask(questions.set(values), () => port.set(values), nothing),
  };
}
