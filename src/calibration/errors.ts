import { CodedError } from '#base/errors.ts';

/**
 * What can be wrong with a calibration. Numbers: 001–099 procedure, captures and fits; 100–129 store; 130–149 tests and
 * reports; 150–169 diagnosis; 170–199 commands.
 */
export const calibrationCodes = {
  'CW-CAL-001': 'A saved calibration session can not be read.',
} as const;

export type CalibrationCode = keyof typeof calibrationCodes;

export class CalibrationError extends CodedError<CalibrationCode> {}
