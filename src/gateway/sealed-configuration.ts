import { isSameJson } from '#base/canonical-json.ts';
import type { ConfigurationChange } from '#calibration/store/record.ts';
import type { Board } from '#config/board.ts';
import { deliveredCells } from '#config/board-cells.ts';
import type { SiteConfig } from '#config/schema.ts';

/** How a device is reached, and what it is called: no change of what it measures. */
const connection: ReadonlySet<string> = new Set([
  'address',
  'bus',
  'connect',
  'everyMs',
  'host',
  'i2c',
  'name',
  'parent',
  'path',
  'port',
  'serial',
  'serialNumber',
  'tcp',
  'topology',
  'usb',
  'world',
]);

/** Plain JSON: what weighing depends on beside the calibration, by path. */
export type SealedConfiguration = Readonly<Record<string, unknown>>;

/**
 * What of a configuration a seal would cover (NIST Handbook 44, G-S.8: features that affect the metrological integrity):
 * range, intervals, cells and dead load of every weighed plate, how its converters are set, and where it stands. By path,
 * so that a change can be named.
 */
export function sealedConfiguration(board: Board, site: SiteConfig | undefined): SealedConfiguration {
  const weighed = board.plates.filter(({ kind }) => kind !== 'unweighed');
  const cells = new Set(weighed.flatMap((plate) => (plate.cells ?? []).map(({ id }) => id)));
  const plates = weighed.flatMap((plate) => {
    const { id, kind, maxMg, intervalMg, divisionMg, deadLoadMg, scale, temperature } = plate;
    const facts = { kind, maxMg, intervalMg, divisionMg, deadLoadMg, scale, temperature };
    const corners = (plate.cells ?? []).map(
      (cell) => [`${id}.${cell.id}`, { positionMm: cell.positionMm, capacityMg: cell.capacityMg }] as const,
    );
    return [[id, facts] as const, ...corners];
  });
  const devices = board.devices
    .filter((device) => deliveredCells(device).some((cell) => cells.has(cell)))
    .map(({ id, driver, options }) => {
      const measuring = Object.entries(options).filter(([name]) => !connection.has(name));
      return [id, { driver, ...Object.fromEntries(measuring) }] as const;
    });
  const leaves = (group: string, entries: readonly (readonly [string, object])[]) =>
    entries.flatMap(([id, facts]) =>
      Object.entries(facts)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [`${group}.${id}.${name}`, value] as const),
    );
  return Object.fromEntries([
    ...leaves('plates', plates),
    ...leaves('devices', devices),
    ...Object.entries(site ?? {}).map(([name, value]) => [`site.${name}`, value] as const),
  ]);
}

/** What differs between two configurations, in order of path. */
export function configurationChanges(
  before: SealedConfiguration,
  after: SealedConfiguration,
): ConfigurationChange[] {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return paths
    .filter((path) => !isSameJson(before[path], after[path]))
    .map((path) => ({
      path,
      ...(before[path] === undefined ? {} : { before: before[path] }),
      ...(after[path] === undefined ? {} : { after: after[path] }),
    }));
}
