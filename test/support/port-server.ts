import { readdirSync } from 'node:fs';
import { systemClock } from '#base/clock.ts';
import { describeError, isCoded } from '#base/errors.ts';
import { silentLogger } from '#base/log.ts';
import type { BytePort, ByteRequest } from '#drivers/ports/ports.ts';
import type { SystemRoot } from '#drivers/ports/root.ts';
import { createSystemPorts } from '#drivers/ports/system.ts';

/**
 * A process that opens ports for a test: serial ports need a main thread, which AVA's tests don't have. Its parent asks
 * over the channel of `fork`.
 */
export type PortCall =
  | {
      readonly do: 'open';
      readonly request: ByteRequest;
      readonly root?: SystemRoot;
      readonly listen?: boolean;
    }
  | { readonly do: 'listen' | 'close'; readonly port: number }
  | { readonly do: 'write'; readonly port: number; readonly text: string }
  | { readonly do: 'cycle'; readonly request: ByteRequest; readonly times: number };

export type PortAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } }
  | { readonly port: number; readonly data: string; readonly atUs: number }
  | { readonly port: number; readonly lost: { readonly code: string; readonly message: string } };

const opened: BytePort[] = [];
const tell = (answer: PortAnswer) => process.send?.(answer);
const openFiles = () => readdirSync('/proc/self/fd').length;

const portsOf = (root?: SystemRoot) =>
  createSystemPorts({
    clock: systemClock,
    log: silentLogger,
    buses: new Map(),
    ...(root === undefined ? {} : { root }),
  });

function listen(port: number): void {
  opened[port]?.listen({
    data: (bytes, atUs) => tell({ port, data: Buffer.from(bytes).toString('latin1'), atUs }),
    lost: ({ code, message }) => tell({ port, lost: { code, message } }),
  });
}

async function carryOut(call: PortCall): Promise<unknown> {
  switch (call.do) {
    case 'open': {
      const port = await portsOf(call.root).bytes(call.request);
      const number = opened.push(port) - 1;
      if (call.listen !== false) listen(number);
      return { port: number, identity: port.identity };
    }
    case 'listen':
      return listen(call.port);
    case 'close':
      return opened[call.port]?.close();
    case 'write':
      return opened[call.port]?.write(Buffer.from(call.text, 'latin1'));
    case 'cycle': {
      const ports = portsOf();
      const cycle = async () => (await ports.bytes(call.request)).close();
      // The first one loads libraries, which keep files of their own.
      for (let i = 0; i < 3; i++) await cycle();
      const before = openFiles();
      for (let i = 0; i < call.times; i++) await cycle();
      return { before, after: openFiles() };
    }
  }
}

process.on('message', ({ id, call }: { id: number; call: PortCall }) => {
  carryOut(call)
    .then((value) => tell({ id, value: value ?? null }))
    .catch((error: unknown) =>
      tell({
        id,
        error: {
          code: isCoded(error) ? error.code : '',
          message: isCoded(error) ? error.message : describeError(error),
        },
      }),
    );
});
