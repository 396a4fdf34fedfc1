import type { Board, Calibration, DeviceEntry } from '#config/board.ts';
import { deliveredCells } from '#config/board-cells.ts';
import type { DeviceIdentity } from '#drivers/driver.ts';
import type { DeviceFault } from '#readings/faults.ts';

/** Code of the fault of a cell whose calibration was made on other hardware. */
export const otherHardware = 'CW-GWY-004';

/** A device that is open, with its options as its driver completed them. */
export interface OpenedDevice {
  readonly entry: DeviceEntry;
  readonly options: unknown;
  readonly identity: DeviceIdentity;
}

/**
 * Holds what is attached against what the calibration was made on: another bridge, or another gain, gives other counts
 * for the same load. The function that it answers with names the cells of a device that must not be used, each with a
 * fault `configuration`; none where the calibration names no hardware.
 */
export function judgeHardware(
  board: Board,
  inForce: () => Calibration | undefined,
): (entry: DeviceEntry, options: unknown, identity: DeviceIdentity) => readonly DeviceFault[] {
  const cells = new Set(board.plates.flatMap((plate) => (plate.cells ?? []).map(({ id }) => id)));
  return (entry, options, { serial }) => {
    const named = stringsIn(options).filter((text) => cells.has(text));
    // A device that names no cell is one itself.
    const calibration = inForce();
    const own = named.length > 0 ? named : [entry.id].filter((id) => cells.has(id));
    if (calibration === undefined || own.length === 0) return [];
    const why = difference(calibration, entry.id, options, serial);
    if (why === undefined) return [];
    return own.map((channel) => ({
      fault: 'configuration',
      code: otherHardware,
      channel,
      message: `calibration ${calibration.revision} is not applied to ${channel}: ${why}; put back the one it was made on, or calibrate`,
    }));
  };
}

function difference(
  { hardware }: Calibration,
  device: string,
  options: unknown,
  serial: string | undefined,
): string | undefined {
  const bridge = hardware?.bridge;
  const expected = typeof bridge === 'object' ? bridge[device] : bridge;
  if (expected !== undefined && serial !== expected) {
    const attached = serial === undefined ? 'one without a serial number' : serial;
    return `it was made on the bridge ${expected}, attached is ${attached}`;
  }
  const gain =
    typeof options === 'object' && options !== null && 'gain' in options ? options.gain : undefined;
  if (hardware?.gain !== undefined && typeof gain === 'number' && gain !== hardware.gain) {
    return `it was made with gain ${hardware.gain}, ${device} uses ${gain}`;
  }
  return undefined;
}

/** Every text in a device's options: where drivers name their cells is theirs. */
export function stringsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return [...new Set(Object.values(value).flatMap(stringsIn))];
}

/**
 * The hardware that a calibration of some plates was made on: their converters as they are attached now, those of the
 * other plates as they were before. Undefined where nothing is known of any.
 */
export function attachedHardware(options: {
  readonly former: Calibration['hardware'];
  readonly board: Board;
  readonly opened: readonly OpenedDevice[];
  readonly plates: readonly string[];
}): Calibration['hardware'] {
  const { former, board, opened, plates } = options;
  const cells = new Set(
    board.plates.flatMap((plate) =>
      plates.includes(plate.id) ? (plate.cells ?? []).map(({ id }) => id) : [],
    ),
  );
  const all = new Set(board.plates.flatMap((plate) => (plate.cells ?? []).map(({ id }) => id)));
  const bridges = new Map<string, string>();
  const delivering = board.devices.filter((device) => deliveredCells(device).some((cell) => all.has(cell)));
  for (const device of delivering) {
    const known = typeof former?.bridge === 'object' ? former.bridge[device.id] : former?.bridge;
    const isNew = deliveredCells(device).some((cell) => cells.has(cell));
    const attached = opened.find(({ entry }) => entry.id === device.id);
    const serial = isNew && attached !== undefined ? attached.identity.serial : known;
    if (serial !== undefined) bridges.set(device.id, serial);
  }
  const made = opened.filter(({ entry }) => deliveredCells(entry).some((cell) => cells.has(cell)));
  const gain = common(made, 'gain') ?? former?.gain;
  const samplesPerSecond = common(made, 'samplesPerSecond') ?? former?.samplesPerSecond;
  const hardware = {
    ...(bridges.size === 0 ? {} : { bridge: Object.fromEntries(bridges) }),
    ...(gain === undefined ? {} : { gain }),
    ...(samplesPerSecond === undefined ? {} : { samplesPerSecond }),
  };
  return Object.keys(hardware).length === 0 ? undefined : hardware;
}

/** A number that all of these devices are set to. */
function common(devices: readonly OpenedDevice[], name: string): number | undefined {
  const values = devices.map(({ options }) =>
    typeof options === 'object' && options !== null && Object.hasOwn(options, name)
      ? Reflect.get(options, name)
      : undefined,
  );
  const [first] = values;
  return typeof first === 'number' && values.every((value) => value === first) ? first : undefined;
}
