import { connect, createServer, type Socket } from 'node:net';
import { z } from 'zod';
import { plainCause } from '#base/system-error.ts';
import type { Film } from '#simulation/pictures/film.ts';
import { type PlateInView, viewsOf } from '#simulation/pictures/studio.ts';
import type { DriverContext } from '../driver.ts';
import { DriverError } from '../errors.ts';
import type { LiveWorld } from './live-world.ts';

/** What a camera of a world needs to know to show any moment of it. */
export interface Shown {
  readonly film: Film;
  /** The world's time 0 on the clock, µs; undefined while it stands still. */
  readonly startedAtUs?: number | undefined;
  readonly speed: number;
  readonly views: readonly PlateInView[];
}

/** What a camera hears of its world, until `close`. */
interface ShownListener {
  shown(shown: Shown): void;
  /** Once; nothing comes afterwards. */
  lost(error: DriverError): void;
}

/** A film of a thousand moves has some 200 kB. */
const longestLine = 4 * 1024 * 1024;
const connectWithinUs = 3_000_000;
const newline = 0x0a;

const point = z.tuple([z.number(), z.number()]);
const thing = z.strictObject({
  id: z.int().nonnegative(),
  key: z.string(),
  look: z.string().optional(),
  massMg: z.number().positive(),
  plate: z.string(),
  at: point,
  angle: z.number(),
});
const shownSchema = z.strictObject({
  film: z.strictObject({
    lying: z.array(thing),
    moves: z.array(
      z.strictObject({ kind: z.enum(['put', 'take']), thing, startUs: z.number(), releaseUs: z.number() }),
    ),
  }),
  startedAtUs: z.number().optional(),
  speed: z.number().positive(),
  views: z.array(
    z.strictObject({
      plate: z.string(),
      halfMm: point,
      region: z.tuple([z.number(), z.number(), z.number(), z.number()]).optional(),
    }),
  ),
});

/**
 * Where a world of one process is found by the cameras in another: a socket of Linux's abstract names, which is no file
 * and ends with the process. @param pid of the process in which the world lives
 */
function addressOf(name: string, pid: number): string {
  return `\0cartwright-world/${pid}/${name}`;
}

/**
 * Shows a world to the cameras of the processes that this one starts: each says its id in a line, and gets a line of JSON
 * (`Shown`) at once and whenever what there is to see changes. The returned function ends that.
 */
export function serveShowing(name: string, world: LiveWorld, log: DriverContext['log']): Promise<() => void> {
  const ends = new Set<() => void>();
  const server = createServer((socket) => {
    let unwatch: (() => void) | undefined;
    const end = () => {
      unwatch?.();
      ends.delete(end);
      socket.destroy();
    };
    ends.add(end);
    socket.on('error', end);
    socket.on('close', end);
    const lines = new LineReader((text) => {
      const views = viewsOf(world.plates, text);
      unwatch ??= world.watch((showing) => socket.write(`${JSON.stringify({ ...showing, views })}\n`));
    }, end);
    socket.on('data', (bytes) => lines.push(bytes));
  });
  server.unref();
  const stop = () => {
    server.close();
    for (const end of [...ends]) end();
  };
  return new Promise((resolve) => {
    server.once('error', (error) => {
      const why = plainCause(error);
      log.warn({ name, why }, 'cameras of another process will not find this virtual world');
      resolve(() => {});
    });
    server.listen(addressOf(name, process.pid), () => resolve(stop));
  });
}

/**
 * Watches a world: that of a device of this process, or of the process that started this one. Resolves with what ends it.
 * Rejects with CW-DRV-004 where there is none.
 */
export async function watchShowing(
  name: string,
  context: DriverContext,
  listener: ShownListener,
): Promise<() => void> {
  const device = context.buses.get(name);
  if (device !== undefined && 'world' in device) {
    // Of this process, as in tests: the class is not imported, so that a camera needs no world.
    const world = device.world as Pick<LiveWorld, 'plates' | 'watch'>;
    const views = viewsOf(world.plates, context.id);
    return world.watch((showing) => listener.shown({ ...showing, views }));
  }
  const socket = await reach(name, context);
  let over = false;
  const end = () => {
    over = true;
    socket.destroy();
  };
  const lose = (why: string) => {
    if (over) return;
    end();
    listener.lost(new DriverError('CW-DRV-005', `the virtual world ${name} is gone: ${why}`));
  };
  const lines = new LineReader(
    (text) => {
      const shown = read(text);
      if (shown === undefined) lose('it said what can not be understood');
      else listener.shown(shown);
    },
    () => lose('what it says has no end'),
  );
  socket.on('data', (bytes) => lines.push(bytes));
  socket.on('error', (error) => lose(plainCause(error)));
  socket.on('close', () => lose('its process has ended, or its gateway has stopped'));
  socket.write(`${context.id}\n`);
  return end;
}

function reach(name: string, { id, clock }: DriverContext): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: addressOf(name, process.ppid) });
    const refuse = (why: string, cause?: unknown) => {
      cancel();
      socket.destroy();
      const message = `${id} finds no virtual world ${name} in the process that started it: ${why}; give a device virtual-world of the profile the option name: ${name}`;
      reject(new DriverError('CW-DRV-004', message, { cause }));
    };
    const refused = (error: Error) => refuse(plainCause(error), error);
    const cancel = clock.after(connectWithinUs, () => refuse('no answer'));
    socket.once('error', refused);
    socket.once('connect', () => {
      cancel();
      socket.off('error', refused);
      resolve(socket);
    });
  });
}

function read(text: string): Shown | undefined {
  try {
    return shownSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Cuts what comes into lines; more than the longest one without an end is given up. */
class LineReader {
  readonly #line: (text: string) => void;
  readonly #tooLong: () => void;
  #parts: Uint8Array[] = [];
  #held = 0;

  constructor(line: (text: string) => void, tooLong: () => void) {
    this.#line = line;
    this.#tooLong = tooLong;
  }

  push(bytes: Uint8Array): void {
    let from = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, from)) {
      const whole = Buffer.concat([...this.#parts, bytes.subarray(from, end)]);
      this.#parts = [];
      this.#held = 0;
      from = end + 1;
      this.#line(whole.toString('utf8'));
    }
    const rest = bytes.subarray(from);
    this.#held += rest.length;
    if (this.#held > longestLine) this.#tooLong();
    else if (rest.length > 0) this.#parts.push(rest);
  }
}
