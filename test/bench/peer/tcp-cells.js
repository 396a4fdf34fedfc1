import { connect } from 'node:net';
import { z } from 'zod';

/**
 * A driver for the benchmark, loaded as a maker's own would be: cells whose samples come over TCP as lines
 * `CELL COUNTS SEQUENCE\n`. A line `-1 0 N\n` is a mark: it goes through the same row of readings as a scan that says
 * how many samples came before it.
 */
const cells = z.array(z.string()).min(1);
const options = z.strictObject({ port: z.number().int(), cells });

const space = 0x20;
const newline = 0x0a;
const minus = 0x2d;

/** Reads lines out of chunks, wherever they are cut; calls `take` with the numbers of each. */
export class LineReader {
  #values = [0, 0, 0];
  #at = 0;
  #negative = false;

  /** @param {Uint8Array} chunk @param {number} length @param {(cell: number, counts: number, sequence: number) => void} take */
  read(chunk, length, take) {
    const values = this.#values;
    let at = this.#at;
    let value = values[at];
    let negative = this.#negative;
    for (let i = 0; i < length; i++) {
      const byte = chunk[i];
      if (byte === minus) negative = true;
      else if (byte >= 0x30) value = value * 10 + byte - 0x30;
      else if (byte === space || byte === newline) {
        values[at] = negative ? -value : value;
        value = 0;
        negative = false;
        if (byte === newline) {
          take(values[0], values[1], values[2]);
          at = 0;
        } else at++;
      }
    }
    this.#at = at;
    if (at < 3) values[at] = value;
    this.#negative = negative;
  }
}

/** @type {import('../../../drivers/driver.ts').Driver<z.infer<typeof options>>} */
export default {
  contract: 1,
  name: 'bench-tcp-cells',
  kind: 'load-cell',
  options,
  async open({ port, cells }, { id, clock, log }) {
    let receive = (_buffer, _length) => {};
    // One buffer for all reads: a stream would allocate 64 KiB for each chunk, however small.
    const socket = connect({
      host: '127.0.0.1',
      port,
      onread: {
        buffer: Buffer.allocUnsafe(65_536),
        callback: (length, buffer) => {
          receive(buffer, length);
          return true;
        },
      },
    });
    socket.on('error', (error) => log.warn({ err: error }, 'the feed ended'));
    return {
      identity: { vendor: 'cartwright', model: 'bench feed' },
      faults: { subscribe: () => () => {} },
      async start(sink) {
        const reader = new LineReader();
        let samples = 0;
        let atUs = 0;
        const take = (cell, counts, sequence) => {
          if (cell < 0) {
            const data = Buffer.from(`mark ${sequence} ${samples}`);
            sink({ kind: 'scan', source: id, atUs, data, symbology: ']X0' });
            return;
          }
          samples++;
          sink({ kind: 'cell', source: cells[cell], atUs, counts, sequence });
        };
        receive = (buffer, length) => {
          atUs = clock.nowUs();
          reader.read(buffer, length, take);
        };
      },
      async stop() {
        socket.destroy();
      },
    };
  },
};
