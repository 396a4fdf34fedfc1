import type { Board, Calibration, DeviceEntry } from '#config/board.ts';
import type { DeviceIdentity } from '#drivers/driver.ts';
import type { DeviceFault } from '#readings/faults.ts';

/**
 * Holds what is attached against what the calibration was made on: another bridge, or another gain, gives other counts
 * for the same load. The function that it answers with names the cells of a device that must not be used, each with a
 * fault `configuration`; none where the calibration names no hardware.
 */
export function judgeHardware(
  board: Board,
  calibration: Calibration | undefined,
): (entry: DeviceEntry, options: unknown, identity: DeviceIdentity) => readonly DeviceFault[] {
  const cells = new Set(board.plates.flatMap((plate) => (plate.cells ?? []).map(({ id }) => id)));
  return (entry, options, { serial }) => {
    const named = stringsIn(options).filter((text) => cells.has(text));
    // A device that names no cell is one itself.
    const own = named.length > 0 ? named : [entry.id].filter((id) => cells.has(id));
    if (calibration === undefined || own.length === 0) return [];
    const why = difference(calibration, entry.id, options, serial);
    if (why === undefined) return [];
    return own.map((channel) => ({
      fault: 'configuration',
      code: 'CW-GWY-004',
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
function stringsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return [...new Set(Object.values(value).flatMap(stringsIn))];
}
