import { CodedError } from '#base/errors.ts';

/** What can go wrong between the gateway and a device. */
export const driverCodes = {
  'CW-DRV-001': 'No driver of this name is known.',
  'CW-DRV-002': "The device's options are not valid for its driver.",
  'CW-DRV-003': 'The device is held by another process.',
  'CW-DRV-004': 'The device is not attached.',
  'CW-DRV-005': 'The device vanished while it was open.',
  'CW-DRV-006': 'The device sent bytes that its protocol does not allow.',
  'CW-DRV-007': 'The driver was built for another version of the driver contract.',
  'CW-DRV-008': 'The device stopped delivering readings.',
  'CW-DRV-009': 'The device does not know this call.',
  'CW-DRV-010': "A maker's driver file can not be used.",
  'CW-DRV-011': 'The device took too long to open or to start.',
  'CW-DRV-012': 'The permission to open the device is missing.',
  'CW-DRV-013': 'The chip does not answer on its bus.',
  'CW-DRV-014': 'Several attached devices match the profile entry.',
  'CW-DRV-015': 'The device delivers values that can not be true.',
  'CW-DRV-016': "The device's firmware can not be used.",
  'CW-DRV-017': 'The device lost readings, or they were damaged on the way.',
  'CW-DRV-018': 'The device reset itself.',
  'CW-DRV-019': 'The recording does not fit the driver that reads it.',
  'CW-DRV-020': 'The device refused what it was asked for.',
} as const;

export class DriverError extends CodedError<keyof typeof driverCodes> {}
