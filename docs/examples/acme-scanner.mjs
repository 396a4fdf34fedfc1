// A scanner on the network that sends one code a line: AIM identifier, data, line feed, as "]E04006381333931".
import { once } from 'node:events';
import { connect } from 'node:net';

const longestLine = 4096;
const lineFeed = 10;

export default (z) => ({
  contract: 1,
  name: 'acme-tcp-scanner',
  kind: 'scanner',
  options: z.strictObject({
    host: z.string().describe('Address of the scanner.'),
    port: z.int().min(1).max(65_535).default(4001).describe('Its TCP port.'),
  }),

  async open({ host, port }, { id, clock, log }) {
    const socket = connect({ host, port, noDelay: true });
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(5000) });
    } catch (cause) {
      socket.destroy();
      throw coded('CW-DRV-004', `${id} is not at ${host}:${port}; is it on, and the address right?`, cause);
    }
    const listeners = new Set();
    const hungUp = `${id} hung up; check its cable and power`;
    socket.on('error', (error) => log.debug({ device: id, err: error.message }, 'connection broke'));
    socket.on('close', () => {
      for (const tell of listeners) tell({ fault: 'disconnected', code: 'CW-DRV-005', message: hungUp });
    });
    return {
      identity: { vendor: 'Acme', model: 'TCP scanner', address: `${host}:${port}` },
      faults: { subscribe: (tell) => listeners.add(tell) && (() => listeners.delete(tell)) },
      async start(sink) {
        if (socket.destroyed) throw coded('CW-DRV-005', hungUp);
        let line = [];
        socket.on('data', (bytes) => {
          const atUs = clock.nowUs();
          for (const byte of bytes) {
            if (byte !== lineFeed) {
              if (line.length <= longestLine) line.push(byte); // what is longer is no code, and dropped below
              continue;
            }
            const data = Uint8Array.from(line.slice(3));
            const symbology = String.fromCharCode(...line.slice(0, 3));
            if (line.length <= longestLine && /^\][A-Za-z]\w$/.test(symbology) && data.length > 0)
              sink({ kind: 'scan', source: id, atUs, data, symbology });
            line = [];
          }
        });
      },
      stop: async () => void socket.destroy(),
    };
  },
});

const coded = (code, message, cause) => Object.assign(new Error(message, { cause }), { code });
