import { systemClock } from '#base/clock.ts';
import { describeError, isCoded } from '#base/errors.ts';
import { silentLogger } from '#base/log.ts';
import type { DeviceEntry } from '#config/board.ts';
import { loadConfig } from '#config/load.ts';
import type { Device, DeviceIdentity } from '#drivers/driver.ts';
import { DriverError } from '#drivers/errors.ts';
import {
  type Attached,
  type AttachedKind,
  createSystemPorts,
  findDriver,
  findHolders,
  machineRoot,
  openDevice,
  type SystemRoot,
} from '#drivers/registry.ts';
import { busesOf, inOrderOfBuses } from '#gateway/bus-order.ts';
import { hiddenGateways, isGatewayProcess } from './gateway-process.ts';

export interface DeviceRow {
  readonly id: string;
  readonly driver: string;
  readonly kind: string;
  /**
   * `in use`: a running gateway holds it, and it is left alone; `held`: attached, but another process has it;
   * `forbidden`: attached, but this user may not open it.
   */
  readonly state: 'found' | 'in use' | 'held' | 'forbidden' | 'missing';
  /** What the device says of itself. */
  readonly identity: DeviceIdentity;
  /** Nodes of what is attached that the entry means. */
  readonly nodes: readonly string[];
  /** Why it could not be opened, coded; or who uses it. */
  readonly message?: string;
  /** The udev rule that is missing. */
  readonly rule?: string;
}

/** Something that is attached, once for each node. */
export interface AttachedRow extends Omit<Attached, 'usagePage'> {
  readonly usagePages?: readonly number[];
  /** Ids of the profile's entries that mean it. */
  readonly usedBy: readonly string[];
}

/** Whether the gateway has the device, or could have it. */
export function isUsable({ state }: DeviceRow): boolean {
  return state === 'found' || state === 'in use';
}

export interface Inspection {
  readonly devices: readonly DeviceRow[];
  readonly attached: readonly AttachedRow[];
}

const kinds: readonly AttachedKind[] = [
  'serial',
  'hid',
  'input',
  'i2c',
  'iio',
  'gpio',
  'hwmon',
  'power_supply',
  'video',
];

/** A driver that doesn't get its device open in this time is left behind, µs. */
const openWithinUs = 15_000_000;

/**
 * Opens each device of a configuration's board in turn and closes it again, except those that a running gateway holds;
 * lists all that is attached beside them. Rejects with coded errors of the configuration.
 */
export async function inspectDevices(
  configPath: string,
  root: SystemRoot = machineRoot,
): Promise<Inspection> {
  const { board, paths } = await loadConfig(configPath, process.env);
  const inspector = new Inspector(root, paths.drivers);
  try {
    for (const entry of inOrderOfBuses(board.devices)) await inspector.inspect(entry);
  } finally {
    await inspector.close();
  }
  return { devices: inspector.rows, attached: await listAll(inspector.rows, root) };
}

class Inspector {
  readonly rows: DeviceRow[] = [];
  readonly #root: SystemRoot;
  readonly #driverPaths: readonly string[];
  readonly #opened = new Map<string, Device>();
  readonly #hidden: Promise<number[]>;

  constructor(root: SystemRoot, driverPaths: readonly string[]) {
    this.#root = root;
    this.#driverPaths = driverPaths;
    this.#hidden = hiddenGateways(root.proc);
  }

  async inspect(entry: DeviceEntry): Promise<void> {
    const { id, driver } = entry;
    const nodes = new Set<string>();
    const row = { id, driver, kind: '', identity: {}, nodes: [] as readonly string[] };
    try {
      row.kind = (await findDriver(driver, this.#driverPaths)).kind;
      const through = busesOf(entry).find((bus) => this.#isInUse(bus));
      if (through !== undefined) {
        this.rows.push({ ...row, state: 'in use', message: `reached through ${through}` });
        return;
      }
      const device = await this.#open(entry, nodes);
      this.#opened.set(id, device);
      this.rows.push({ ...row, state: 'found', identity: device.identity, nodes: [...nodes] });
    } catch (error) {
      this.rows.push({ ...row, nodes: [...nodes], ...failureOf(error) });
    }
  }

  async close(): Promise<void> {
    for (const device of [...this.#opened.values()].reverse()) await device.stop();
  }

  #isInUse(id: string): boolean {
    return this.rows.some((row) => row.id === id && row.state === 'in use');
  }

  #open(entry: DeviceEntry, nodes: Set<string>): Promise<Device> {
    const system = { clock: systemClock, log: silentLogger, buses: this.#opened };
    const beforeOpen = async ({ node, kind }: Attached) => {
      nodes.add(node);
      // Attributes are read by any number of programs.
      if (!['iio', 'hwmon', 'power_supply'].includes(kind)) await this.#mustBeNoGateways(node);
    };
    const ports = createSystemPorts({ ...system, root: this.#root, beforeOpen });
    const opening = openDevice(entry, { id: entry.id, ...system, ports }, this.#driverPaths);
    return new Promise((resolve, reject) => {
      let late = false;
      const cancel = systemClock.after(openWithinUs, () => {
        late = true;
        const message = `${entry.id} did not open within ${openWithinUs / 1e6} s; check its cable and power`;
        reject(new DriverError('CW-DRV-011', message));
      });
      opening.then(
        (device) => {
          cancel();
          if (late) void device.stop().catch(() => {});
          else resolve(device);
        },
        (error: unknown) => {
          cancel();
          reject(error);
        },
      );
    });
  }

  /** Opening what the gateway reads would disturb it: a chip is set up anew, a report goes to another reader. */
  async #mustBeNoGateways(node: string): Promise<void> {
    const holders = (await findHolders([node], this.#root)).get(node) ?? [];
    for (const { pid } of holders) {
      if (!(await isGatewayProcess(pid, this.#root.proc))) continue;
      const message = `${node} is held by the running gateway, process ${pid}`;
      throw new DriverError('CW-DRV-003', message, { details: { gateway: pid } });
    }
    const [pid] = await this.#hidden;
    if (pid === undefined) return;
    const message = `a gateway of another user runs, process ${pid}; only root sees whether it holds ${node}`;
    throw new DriverError('CW-DRV-003', message, { details: { gateway: pid } });
  }
}

/** What is attached all the same, by why it could not be opened. */
const refused: Readonly<Record<string, 'held' | 'forbidden'>> = {
  'CW-DRV-003': 'held',
  'CW-DRV-012': 'forbidden',
};

function failureOf(error: unknown): Pick<DeviceRow, 'state' | 'message' | 'rule'> {
  const details = isCoded(error) ? error.details : {};
  if (isCoded(error) && typeof details.gateway === 'number')
    return { state: 'in use', message: error.message };
  const { rule } = details;
  return {
    state: (isCoded(error) ? refused[error.code] : undefined) ?? 'missing',
    message: describeError(error),
    ...(typeof rule === 'string' ? { rule } : {}),
  };
}

async function listAll(rows: readonly DeviceRow[], root: SystemRoot): Promise<AttachedRow[]> {
  const ports = createSystemPorts({ clock: systemClock, log: silentLogger, buses: new Map(), root });
  const found = new Map<string, AttachedRow>();
  for (const kind of kinds) {
    for (const { usagePage, ...one } of await ports.list(kind)) {
      const before = found.get(one.node);
      const pages = [...(before?.usagePages ?? []), ...(usagePage === undefined ? [] : [usagePage])];
      const usedBy = rows.filter(({ nodes }) => nodes.includes(one.node)).map(({ id }) => id);
      found.set(one.node, { ...one, ...(pages.length === 0 ? {} : { usagePages: pages }), usedBy });
    }
  }
  return [...found.values()];
}
