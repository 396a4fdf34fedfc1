import { CodedError } from '#base/errors.ts';

/**
 * What can be wrong with a calibration. Numbers: 001–099 procedure, captures and fits; 100–129 store; 130–149 tests and
 * reports; 150–169 diagnosis; 170–199 commands.
 */
export const calibrationCodes = {
  'CW-CAL-001': 'A saved calibration session can not be read.',
  'CW-CAL-100': 'A revision of the calibration is damaged.',
  'CW-CAL-101': 'A revision of the calibration is missing.',
  'CW-CAL-102': 'A revision of the calibration is not the one that was written.',
  'CW-CAL-103': 'The last-good copy of the calibration is damaged.',
  'CW-CAL-104': 'The newest revision of the calibration can not be used; an earlier one is in force.',
  'CW-CAL-105': 'No revision of the calibration can be used; its plates are not weighed.',
  'CW-CAL-106': 'What the gateway keeps of its calibrations beside its events is missing or out of date.',
  'CW-CAL-107': 'A file in the folder of calibrations does not belong there.',
  'CW-CAL-108': 'A calibration can not be written.',
  'CW-CAL-109': 'Another calibration is being committed.',
  'CW-CAL-110': 'There is no such revision of the calibration.',
  'CW-CAL-111': 'The audit log and the revisions of the calibration do not agree.',
  'CW-CAL-170': 'None of the weights fits the plate.',
  'CW-CAL-171': 'Somebody else is calibrating this device.',
  'CW-CAL-172': 'No calibration is under way, or another one.',
  'CW-CAL-173': 'A step of the calibration is still being carried out.',
  'CW-CAL-174': 'The plate can not be calibrated on this device.',
} as const;

export type CalibrationCode = keyof typeof calibrationCodes;

export class CalibrationError extends CodedError<CalibrationCode> {}
