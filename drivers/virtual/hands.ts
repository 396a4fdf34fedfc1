import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import type { DriverContext } from '../driver.ts';
import { DriverError } from '../errors.ts';
import type { LiveWorld } from './live-world.ts';

/** What a technician's hands do to a plate of a virtual world. */
export interface Weighing {
  readonly plate: string;
  /** 0 takes off what lies there. */
  readonly massMg: number;
  /** `centre`, or the cell that the weight is put over. */
  readonly at: string;
}

const weighingSchema = z.strictObject({
  plate: z.string(),
  massMg: z.number().nonnegative(),
  at: z.string().default('centre'),
});
/** A weight has a width: its middle stays off the rim by so much of the way. */
const overCell = 0.9;

/** A socket of Linux's abstract names, which is no file and goes with the process. */
const addressOf = (name: string) => `\0cartwright-hands-${name}`;

/**
 * Lets other programs put weights on the plates of a world: one JSON line each, answered when they lie still. The returned
 * function ends that. Rejects with CW-DRV-004 where the name is taken.
 */
export async function serveHands(
  name: string,
  world: LiveWorld,
  log: DriverContext['log'],
): Promise<() => void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket
      .on('error', (error) => log.debug({ error }, 'hands let go'))
      .on('close', () => sockets.delete(socket));
    const lines = createInterface({ input: socket });
    // The socket tells it as well; without a listener here it would end the process.
    lines.on('error', () => {});
    lines.on('line', (line) => {
      void answer(world, line).then((text) => socket.write(`${text}\n`));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new DriverError(
          'CW-DRV-004',
          `hands ${name}: ${plainCause(cause)}; give the world another name for them`,
          {
            cause,
          },
        ),
      ),
    );
    server.listen(addressOf(name), resolve);
  });
  return () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
}

async function answer(world: LiveWorld, line: string): Promise<string> {
  try {
    const { plate, massMg, at } = weighingSchema.parse(JSON.parse(line));
    const stillAtUs = world.weigh(plate, massMg, placeOf(world, plate, at));
    const waitUs = Math.max(0, stillAtUs - world.nowUs());
    await sleep(waitUs / 1_000);
    return JSON.stringify({ done: true });
  } catch (error) {
    return JSON.stringify({ done: false, message: describeError(error) });
  }
}

/** Throws CW-DRV-004 for a plate or a cell that isn't there. */
function placeOf(world: LiveWorld, plate: string, at: string): readonly [number, number] {
  const entry = world.plates.find(({ id }) => id === plate);
  if (entry === undefined) throw new DriverError('CW-DRV-004', `the world has no plate ${plate}`);
  if (at === 'centre') return [0, 0];
  const cell = entry.cells?.find(({ id }) => id === at);
  if (cell === undefined) throw new DriverError('CW-DRV-004', `plate ${plate} has no cell ${at}`);
  const [x, y] = cell.positionMm;
  return [overCell * x, overCell * y];
}

/** Puts a weight on a plate of the world of that name. Rejects with CW-DRV-004 where there is none, or it can't. */
export async function useHands(name: string, weighing: Weighing): Promise<void> {
  const socket = connect(addressOf(name));
  try {
    const line = await new Promise<string>((resolve, reject) => {
      socket.once('error', (cause) =>
        reject(
          new DriverError(
            'CW-DRV-004',
            `there is no virtual world with hands ${name}: ${plainCause(cause)}`,
            { cause },
          ),
        ),
      );
      socket.once('close', () =>
        reject(new DriverError('CW-DRV-004', `the world of hands ${name} has ended`)),
      );
      createInterface({ input: socket }).on('error', reject).once('line', resolve);
      socket.write(`${JSON.stringify(weighing)}\n`);
    });
    const { done, message } = JSON.parse(line) as { readonly done: boolean; readonly message?: string };
    if (!done) throw new DriverError('CW-DRV-004', message ?? 'the world did not say why it can not');
  } finally {
    socket.destroy();
  }
}
