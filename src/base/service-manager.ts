/** What the service manager that started this program is told; each call returns at once and never throws. */
export interface ServiceManager {
  /** How often it wants to hear `alive`, µs; undefined where it doesn't watch. */
  readonly watchdogUs: number | undefined;
  /** The program does what it is there for. */
  ready(): void;
  /** One line for people, as `systemctl status` shows it. */
  status(line: string): void;
  /** The program makes progress. */
  alive(): void;
  /** Starting or stopping takes this much longer, from now on, µs. */
  extend(byUs: number): void;
  /** The program is about to end. */
  stopping(): void;
  /** Frees the socket. */
  close(): void;
}

type Send = (message: string) => void;

const afUnix = 1;
const datagram = 2;
const closeOnExec = 0o2000000;
/** Never to wait for a manager that doesn't read, and never to be ended by one that is gone. */
const flags = 0x40 | 0x4000;
/** sun_path has 108 bytes, the family two. */
const longestPath = 108;

/** For programs that nobody supervises. */
const nobody: ServiceManager = {
  watchdogUs: undefined,
  ready: () => {},
  status: () => {},
  alive: () => {},
  extend: () => {},
  stopping: () => {},
  close: () => {},
};

/**
 * The service manager that `environment` names (systemd's NOTIFY_SOCKET: a path, or `@name` of Linux's abstract names),
 * or a silent one. It speaks over one datagram socket of the C library, as Node has none of that kind; the library that
 * reaches it is loaded only where there is somebody to talk to. Takes the variables out of `environment`, so that
 * programs started from here don't speak in this one's name. Never rejects: what keeps it from talking is told to
 * `onTrouble`, once.
 */
export async function connectServiceManager(
  environment: NodeJS.ProcessEnv,
  onTrouble: (message: string) => void,
): Promise<ServiceManager> {
  const { NOTIFY_SOCKET: address, WATCHDOG_USEC: watchdog, WATCHDOG_PID: watched } = environment;
  delete environment.NOTIFY_SOCKET;
  delete environment.WATCHDOG_USEC;
  delete environment.WATCHDOG_PID;
  if (address === undefined || address === '') return nobody;
  try {
    const { send, close } = await openSocket(socketAddress(address), onTrouble);
    const isWatched = watched === undefined || watched === '' || Number(watched) === process.pid;
    return speaker(send, close, isWatched ? microseconds(watchdog) : undefined);
  } catch (error) {
    onTrouble(`the service manager at ${address} can't be reached: ${(error as Error).message}`);
    return nobody;
  }
}

function speaker(send: Send, close: () => void, watchdogUs: number | undefined): ServiceManager {
  return {
    watchdogUs,
    ready: () => send('READY=1'),
    status: (line) => send(`STATUS=${line.replaceAll(/\s+/g, ' ').slice(0, 512)}`),
    alive: () => send('WATCHDOG=1'),
    extend: (byUs) => send(`EXTEND_TIMEOUT_USEC=${Math.round(byUs)}`),
    stopping: () => send('STOPPING=1'),
    close,
  };
}

function microseconds(text: string | undefined): number | undefined {
  const value = Number(text);
  return text !== undefined && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

/**
 * The bytes of a `sockaddr_un` as long as they count: an abstract name begins with a zero and has no end mark. Throws
 * for what is no address of that kind.
 */
export function socketAddress(address: string): Uint8Array {
  const isAbstract = address.startsWith('@');
  if (!isAbstract && !address.startsWith('/')) throw new Error('it is neither a path nor an abstract name');
  const name = Buffer.from(isAbstract ? `\0${address.slice(1)}` : `${address}\0`);
  if (name.length > longestPath) throw new Error(`its name has more than ${longestPath} bytes`);
  const family = Buffer.alloc(2);
  new Uint16Array(family.buffer, family.byteOffset, 1)[0] = afUnix;
  return Buffer.concat([family, name]);
}

async function openSocket(
  address: Uint8Array,
  onTrouble: (message: string) => void,
): Promise<{ send: Send; close: () => void }> {
  const { default: koffi } = await import('koffi');
  const library = koffi.load(null);
  const open = library.func('socket', 'int', ['int', 'int', 'int']) as (...args: number[]) => number;
  const shut = library.func('close', 'int', ['int']) as (fd: number) => number;
  const sendTo = library.func('sendto', 'intptr_t', [
    'int',
    'void *',
    'size_t',
    'int',
    'void *',
    'uint32_t',
  ]) as (
    fd: number,
    bytes: Uint8Array,
    length: number,
    flags: number,
    to: Uint8Array,
    toLength: number,
  ) => number | bigint;
  let fd = open(afUnix, datagram | closeOnExec, 0);
  if (fd < 0) throw new Error(`socket: error ${koffi.errno()}`);
  let isTold = false;
  return {
    send: (message) => {
      if (fd < 0) return;
      const bytes = Buffer.from(message);
      if (Number(sendTo(fd, bytes, bytes.length, flags, address, address.length)) >= 0) {
        isTold = false;
        return;
      }
      if (isTold) return;
      isTold = true;
      onTrouble(`the service manager does not take ${message.split('=')[0]}: error ${koffi.errno()}`);
    },
    close: () => {
      if (fd >= 0) shut(fd);
      fd = -1;
    },
  };
}
