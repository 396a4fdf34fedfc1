/** Kinds of device faults, the same in drivers, weighing, traces and events. */
export const deviceFaultKinds = [
  'disconnected',
  'stuck',
  'saturated',
  'missing',
  'timing',
  'integrity',
  'permission',
  'busy',
  'configuration',
] as const;
export type DeviceFaultKind = (typeof deviceFaultKinds)[number];

/** Something wrong with a device, or (with `cleared`) no longer wrong. `channel` is the cell's id where a device has several. */
export interface DeviceFault {
  readonly fault: DeviceFaultKind;
  readonly code: string;
  readonly message: string;
  readonly channel?: string;
  readonly cleared?: boolean;
}
