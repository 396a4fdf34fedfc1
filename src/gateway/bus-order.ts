import type { DeviceEntry } from '#config/board.ts';

/** Ids of the devices through which this one is reached: options named `bus` or `world` name them. */
export function busesOf(entry: DeviceEntry): readonly string[] {
  return ['bus', 'world'].flatMap((name) => {
    const id = entry.options[name];
    return typeof id === 'string' ? [id] : [];
  });
}

/** Devices that others are reached through first. */
export function inOrderOfBuses(entries: readonly DeviceEntry[]): readonly DeviceEntry[] {
  const ordered: DeviceEntry[] = [];
  const visit = (entry: DeviceEntry, path: readonly string[]) => {
    if (ordered.includes(entry) || path.includes(entry.id)) return;
    for (const id of busesOf(entry)) {
      const through = entries.find((other) => other.id === id);
      if (through !== undefined) visit(through, [...path, entry.id]);
    }
    ordered.push(entry);
  };
  for (const entry of entries) visit(entry, []);
  return ordered;
}
