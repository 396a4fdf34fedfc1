import { describeError } from '#base/errors.ts';
import { DriverError } from '../errors.ts';
import { describeHolders, findHolders } from './holders.ts';
import type { Attached, AttachedKind } from './ports.ts';
import type { SystemRoot } from './root.ts';

/** The rules that come with the gateway; they cover what its drivers know. */
export const rulesFile = 'systemd/60-cartwright.rules';

/**
 * The udev rule that lets the group `cartwright` use a device, and of scanners, scales and serial lines whoever sits at
 * the machine: by its USB ids where it has them, else its whole kind, as no narrower rule is stable.
 */
export function ruleFor({
  kind,
  vendorId,
  productId,
}: Pick<Attached, 'kind' | 'vendorId' | 'productId'>): string {
  const subsystem: Record<AttachedKind, string> = {
    serial: 'SUBSYSTEM=="tty"',
    hid: 'SUBSYSTEM=="hidraw"',
    input: 'SUBSYSTEM=="input", KERNEL=="event*"',
    i2c: 'SUBSYSTEM=="i2c-dev"',
    gpio: 'SUBSYSTEM=="gpio", KERNEL=="gpiochip*"',
    iio: 'SUBSYSTEM=="iio"',
    hwmon: 'SUBSYSTEM=="hwmon"',
    power_supply: 'SUBSYSTEM=="power_supply"',
    video: 'SUBSYSTEM=="video4linux"',
  };
  const ids =
    vendorId === undefined
      ? ''
      : `, ATTRS{idVendor}=="${vendorId}"${productId === undefined ? '' : `, ATTRS{idProduct}=="${productId}"`}`;
  // Whoever may read a keyboard reads passwords, and lines of a board can be wired to anything: for the gateway alone.
  const seat = kind === 'serial' || kind === 'hid' ? ', TAG+="uaccess"' : '';
  // Without ids it is a UART of the machine; the rule must not open its consoles (tty1 …), which are ttys too.
  const uart = kind === 'serial' && ids === '' ? ', KERNEL=="ttyAMA*|ttyS*"' : '';
  // Rules of i2c-tools and of GPIO libraries come later and would give these to a group of their own.
  const set = kind === 'i2c' || kind === 'gpio' ? ':=' : '=';
  return `${subsystem[kind]}${uart}${ids}, GROUP${set}"cartwright", MODE${set}"0660"${seat}`;
}

/** What could not be opened, and where to look for who has it. */
export interface Refused {
  readonly device: Pick<Attached, 'kind' | 'vendorId' | 'productId' | 'node'>;
  /** In words: `the serial port /dev/ttyUSB0`. */
  readonly what: string;
  readonly root: SystemRoot;
}

/**
 * Why a node could not be opened, as coded error: CW-DRV-003 with its holder, CW-DRV-012 with the rule that is missing,
 * CW-DRV-004 for one that is gone, or for any other cause with the system's words.
 */
export async function refusal(cause: unknown, { device, what, root }: Refused): Promise<DriverError> {
  const why = reasonOf(cause);
  if (why === 'busy') {
    const holders = (await findHolders([device.node], root)).get(device.node) ?? [];
    return heldBy(what, holders, cause);
  }
  if (why === 'permission') {
    const rule = ruleFor(device);
    return new DriverError(
      'CW-DRV-012',
      `no permission to open ${what}: install ${rulesFile} in /etc/udev/rules.d (it lacks this device? then with the rule ${rule}), run \`sudo udevadm control --reload && sudo udevadm trigger\`, and add the gateway's user to group cartwright (\`sudo usermod -aG cartwright NAME\`, then log in anew)`,
      { cause, details: { node: device.node, rule } },
    );
  }
  const message =
    why === 'gone'
      ? `${what} is not attached any more; plug it in again`
      : `${what} can not be opened: ${describeError(cause)}`;
  return new DriverError('CW-DRV-004', message, { cause, details: { node: device.node } });
}

/** CW-DRV-003: `… is held by process 812 (ModemManager)`. */
export function heldBy(
  what: string,
  holders: readonly { readonly pid: number; readonly name: string }[],
  cause?: unknown,
): DriverError {
  const advice = holders.some(({ name }) => name === 'ModemManager')
    ? `stop it, or install ${rulesFile}, which keeps it off`
    : 'end it, or give it another device';
  return new DriverError('CW-DRV-003', `${what} is held by ${describeHolders(holders)}; ${advice}`, {
    cause,
    details: { holders },
  });
}

/** Sorts what the system said. Bindings in C++ give its words alone (strerror), without a code. */
function reasonOf(cause: unknown): 'busy' | 'permission' | 'gone' | undefined {
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  const text = cause instanceof Error ? cause.message : String(cause);
  if (code === 'EBUSY' || /cannot lock port|resource busy/i.test(text)) return 'busy';
  if (code === 'EACCES' || code === 'EPERM' || /permission denied|not permitted/i.test(text))
    return 'permission';
  if (['ENOENT', 'ENODEV', 'ENXIO'].includes(code ?? '') || /no such (?:file|device)/i.test(text))
    return 'gone';
  return undefined;
}
