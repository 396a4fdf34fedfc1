import { existsSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { attachedSerial } from '#drivers/ports/attached.ts';
import { describeHolders, findHolders, type Holder } from '#drivers/ports/holders.ts';
import type { Attached } from '#drivers/ports/ports.ts';
import type { SystemRoot } from '#drivers/ports/root.ts';
import { FlashError } from './flash-error.ts';

/** USB vendors of Arduino boards, their copies and the serial chips on them. */
const boardVendors = new Map([
  ['2341', 'Arduino'],
  ['2a03', 'Arduino'],
  ['1a86', 'CH340'],
  ['0403', 'FTDI'],
  ['10c4', 'CP210x'],
  ['067b', 'PL2303'],
]);

export interface Board {
  readonly port: string;
  /** Named by the user, who then means this one whatever runs on it. */
  readonly named: boolean;
  readonly description: string;
}

/**
 * The board that is meant: the named one, else the only one attached. Throws FlashError where there is none, or several
 * to choose from.
 */
export async function chooseBoard(port: string | undefined, root: SystemRoot): Promise<Board> {
  const attached = await attachedSerial(root);
  if (port !== undefined) {
    if (!existsSync(port))
      throw new FlashError('noBoard', `${port} does not exist.${listOf(candidates(attached))}`);
    const node = realpathSync(port);
    const known = attached.find((one) => one.node === node);
    return { port, named: true, description: known === undefined ? port : describe(known, port) };
  }
  const found = candidates(attached);
  const [first] = found;
  if (first === undefined) {
    throw new FlashError(
      'noBoard',
      'No board was found on USB. Plug it in (with a cable that carries data), or name its port with --port.',
    );
  }
  if (found.length > 1) {
    throw new FlashError('noBoard', `Several boards are attached: say which with --port.${listOf(found)}`);
  }
  return { port: addressOf(first), named: false, description: describe(first, addressOf(first)) };
}

/** Addresses of all attached boards that may be bridges, for `--all`. */
export async function attachedBoards(root: SystemRoot): Promise<readonly Board[]> {
  return candidates(await attachedSerial(root)).map((one) => ({
    port: addressOf(one),
    named: false,
    description: describe(one, addressOf(one)),
  }));
}

function candidates(attached: readonly Attached[]): Attached[] {
  return attached.filter(({ vendorId }) => vendorId !== undefined && boardVendors.has(vendorId));
}

/** Links by id stay when a board is plugged in elsewhere; boards of one maker without serial number share them. */
function addressOf(one: Attached): string {
  const address = one.identity.address;
  return address !== undefined && isAbsolute(address) && existsSync(address) ? address : one.node;
}

function describe(one: Attached, port: string): string {
  const maker = boardVendors.get(one.vendorId ?? '');
  const model = one.identity.model ?? one.identity.vendor ?? maker ?? 'a serial port';
  return `${port} (${model}${one.topology === undefined ? '' : `, USB ${one.topology}`})`;
}

function listOf(found: readonly Attached[]): string {
  return found.map((one) => `\n  --port ${describe(one, addressOf(one))}`).join('');
}

/** Throws FlashError where another process has the port open: it would take bytes away in the middle of the writing. */
export async function mustBeFree(port: string, root: SystemRoot): Promise<void> {
  const all = (await findHolders([port], root)).get(port) ?? [];
  const holders = all.filter((holder) => !made(port, holder, root));
  if (holders.length === 0) return;
  const modem = holders.some(({ name }) => name === 'ModemManager');
  throw new FlashError(
    'inUse',
    `${port} is in use by ${describeHolders(holders)}. ${
      modem ? 'Stop it (systemctl stop ModemManager)' : 'Stop it (the gateway: systemctl stop cartwright)'
    } and run this again.`,
  );
}

/** Whoever made a pseudo-terminal keeps its end open, and is what is at the other end. */
function made(port: string, { pid }: Holder, root: SystemRoot): boolean {
  if (!realpathSync(port).startsWith('/dev/pts/')) return false;
  const folder = join(root.proc, String(pid), 'fd');
  return readdirSync(folder).some((fd) => {
    try {
      return /^\/dev\/(?:pts\/)?ptmx$/.test(readlinkSync(join(folder, fd)));
    } catch {
      return false;
    }
  });
}
