import type { CameraState, Trouble } from '#pages/display/source.ts';
import type { CellStatus } from '#weighing/weigher.ts';
import type { DeviceReport } from './devices.ts';
import type { Health } from './health.ts';

/** Below this the shopper should go to pay, millionths. */
const batteryLowPpm = 150_000;
const weighs: ReadonlySet<string> = new Set(['load-cell', 'scale']);

const works = ({ state, fault }: DeviceReport) => state === 'running' && fault === undefined;

/** What the cameras do, as far as a shopper cares: whether they look, and whether anything is kept of it. */
export function cameraState(
  reports: readonly DeviceReport[],
  vision: Health['vision'],
  enabled: boolean,
): CameraState {
  const cameras = reports.filter(({ kind }) => kind === 'camera');
  if (cameras.length === 0) return 'none';
  if (vision?.recordingS !== undefined) return 'recording';
  if (!enabled) return 'off';
  // One that is still being opened sees nothing yet; only a fault is one.
  if (cameras.some((camera) => camera.state !== 'opening' && !works(camera)) || vision?.running === false) {
    return 'fault';
  }
  return cameras.some(works) ? 'on' : 'off';
}

/** What does not work and has to be told. One scanner of several that works is enough to go on. */
export function troublesOf(facts: {
  readonly reports: readonly DeviceReport[];
  readonly cells: readonly CellStatus[];
  /** No new session can begin. */
  readonly full: boolean;
  readonly batteryPpm: number | undefined;
}): readonly Trouble[] {
  const { reports, cells, full, batteryPpm } = facts;
  const broken = (kinds: ReadonlySet<string>) =>
    reports.filter((report) => kinds.has(report.kind) && report.state !== 'opening' && !works(report));
  const scanners = reports.filter(({ kind }) => kind === 'scanner');
  const found: readonly (readonly [trouble: Trouble, stands: boolean])[] = [
    ['full', full],
    ['scale', broken(weighs).length > 0 || cells.some(({ fault }) => fault !== undefined)],
    ['scanner', scanners.length > 0 && broken(new Set(['scanner'])).length === scanners.length],
    ['camera', broken(new Set(['camera'])).length > 0],
    ['battery', batteryPpm !== undefined && batteryPpm < batteryLowPpm],
  ];
  return found.filter(([, stands]) => stands).map(([trouble]) => trouble);
}
