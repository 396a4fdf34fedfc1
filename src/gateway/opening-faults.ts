import { describeError, isCoded } from '#base/errors.ts';
import type { DeviceFault, DeviceFaultKind } from '#readings/faults.ts';

/** What a failed opening is to those who weigh and watch: why nothing comes of the device. */
const kinds: Readonly<Record<string, DeviceFaultKind>> = {
  'CW-DRV-001': 'configuration',
  'CW-DRV-002': 'configuration',
  'CW-DRV-003': 'busy',
  'CW-DRV-007': 'configuration',
  'CW-DRV-010': 'configuration',
  'CW-DRV-012': 'permission',
  'CW-DRV-014': 'configuration',
};

/** The fault of a device that could not be opened or started. */
export function openingFault(error: unknown): DeviceFault {
  const code = isCoded(error) ? error.code : 'CW-DRV-005';
  return { fault: kinds[code] ?? 'disconnected', code, message: describeError(error) };
}

/** True where both say the same, so that a retry which fails like the one before is not told again. */
export function sameFault(a: DeviceFault | undefined, b: DeviceFault): boolean {
  return a?.fault === b.fault && a.code === b.code && a.message === b.message;
}
