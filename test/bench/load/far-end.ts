import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { hidPosReports } from '#drivers/scanner/hid-pos-report.ts';
import type { ProbeAnswer } from './drivers.ts';

/** One loopback port to which one driver in the gateway connects. */
class FarEnd {
  readonly port: number;
  readonly #server: Server;
  #socket: Socket | undefined;

  constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on('connection', (socket) => {
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      this.#socket = socket;
      server.emit('reader');
    });
  }

  async socket(): Promise<Socket> {
    if (this.#socket === undefined)
      await once(this.#server, 'reader', { signal: AbortSignal.timeout(30_000) });
    if (this.#socket === undefined) throw new Error('nobody connected');
    return this.#socket;
  }

  async close(): Promise<void> {
    this.#socket?.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function listen(): Promise<[Server, number]> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return [server, address.port];
}

/** Of five reports four are codes of their own, but for every fourth code, which takes two (56 bytes and the rest). */
const longEvery = 4;
const symbology = ']C0';

/** A scanner that is emptied in bursts, a report each millisecond as a full-speed device is asked for one. */
export class BurstScanner extends FarEnd {
  /** The texts of all codes sent. */
  readonly sent: string[] = [];
  reports = 0;

  static async open(): Promise<BurstScanner> {
    return new BurstScanner(...(await listen()));
  }

  /** Sends so many reports; the last code may take one more. */
  async burst(reports: number): Promise<void> {
    const socket = await this.socket();
    const waiting: Uint8Array[] = [];
    while (waiting.length < reports) {
      const number = this.sent.length;
      const text = `B${String(number).padStart(7, '0')}${number % longEvery === 0 ? '-'.repeat(52) : ''}`;
      this.sent.push(text);
      waiting.push(...hidPosReports({ data: Buffer.from(text, 'latin1'), symbology }));
    }
    this.reports += waiting.length;
    const began = performance.now();
    for (let written = 0; written < waiting.length; ) {
      const due = Math.min(waiting.length, Math.floor(performance.now() - began) + 1);
      for (; written < due; written++) socket.write(waiting[written] ?? new Uint8Array());
      await sleep(1);
    }
  }
}

/** The other end of the probe in the gateway. */
export class ProbeEnd extends FarEnd {
  #lines: AsyncIterator<string> | undefined;

  static async open(): Promise<ProbeEnd> {
    return new ProbeEnd(...(await listen()));
  }

  /** What was since the last look. */
  async look(): Promise<ProbeAnswer> {
    const socket = await this.socket();
    this.#lines ??= createInterface({ input: socket })[Symbol.asyncIterator]();
    socket.write('?');
    const { value } = await this.#lines.next();
    return JSON.parse(String(value)) as ProbeAnswer;
  }
}
