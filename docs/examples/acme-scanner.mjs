// A scanner on the network that sends one code a line: AIM identifier, data, line feed, as "]E04006381333931".
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

  async open({ host, port }, { id, ports }) {
    // Through `ports` and not a socket of its own, so that it can be recorded, replayed and tried without a scanner.
    // It rejects with a code where nothing answers.
    const line = await ports.bytes({ via: 'tcp', host, port });
    const listeners = new Set();
    const tell = (fault) => {
      for (const listener of listeners) listener(fault);
    };
    return {
      identity: { vendor: 'Acme', model: 'TCP scanner', address: `${host}:${port}` },
      faults: { subscribe: (listener) => listeners.add(listener) && (() => listeners.delete(listener)) },
      async start(sink) {
        let text = [];
        line.listen({
          data(bytes, atUs) {
            for (const byte of bytes) {
              if (byte !== lineFeed) {
                if (text.length <= longestLine) text.push(byte); // what is longer is no code, and dropped below
                continue;
              }
              const data = Uint8Array.from(text.slice(3));
              const symbology = String.fromCharCode(...text.slice(0, 3));
              if (text.length <= longestLine && /^\][A-Za-z]\w$/.test(symbology) && data.length > 0)
                sink({ kind: 'scan', source: id, atUs, data, symbology });
              text = [];
            }
          },
          lost: ({ code }) =>
            tell({ fault: 'disconnected', code, message: `${id} hung up; check its cable and power` }),
        });
      },
      stop: () => line.close(),
    };
  },
});

// What the driver is tried on without a scanner: `cartwright driver verify acme-tcp-scanner --file acme-scanner.mjs`.
export const bench =
  ({ PeerPorts, passTime }) =>
  async (clock) => {
    let wire;
    let count = 0;
    const send = (text) => wire?.send(new TextEncoder().encode(text));
    const peer = {
      identity: { model: 'simulated scanner' },
      opened: (opened) => {
        wire = opened;
      },
      received() {},
      closed: () => {
        wire = undefined;
      },
    };
    const ports = new PeerPorts(clock, { bytes: peer });
    return {
      options: { host: '192.0.2.7' },
      ports,
      buses: new Map(),
      readingsPerSecond: 0,
      stimulate: () => send(`]E0${4_006_381_333_931 + count++}\n`),
      advance: (us) => passTime(clock, us),
      unplug: () => ports.unplug(),
      replug: () => ports.replug(),
      troubles: [],
      babble: (seed) => send(`${String.fromCharCode(seed).repeat(seed * 300)}\n`),
    };
  };
