import { CodedError } from '#base/errors.ts';

/** Faults that weighing finds (001–019) and refusals of its commands (020–). */
export const weighingCodes = {
  'CW-WGH-001': 'A plate has no complete calibration, so it gives no mass.',
  'CW-WGH-002': 'A cell reads the end of its converter’s range.',
  'CW-WGH-003': 'A cell repeats exactly the same counts.',
  'CW-WGH-004': 'A cell, scale or motion sensor sends no readings.',
  'CW-WGH-005': 'The readings of a cell are out of order, repeated or lost.',
  'CW-WGH-006': 'A cell jumps in a way that no load can.',
  'CW-WGH-007': 'A cell carries more than its capacity.',
  'CW-WGH-008': 'A plate carries more than its maximum.',
  'CW-WGH-009': 'A plate reads far below zero.',
  'CW-WGH-010': 'A scale reports that it can not weigh.',
  'CW-WGH-011': 'A cell sends values that its converter can not have made.',
  'CW-WGH-012': 'A temperature sensor that drift is taken out by sends no readings.',
  'CW-WGH-013': 'Drift with temperature has been taken out by an old temperature for half an hour.',
  'CW-WGH-020': 'The board has no such weighed plate.',
  'CW-WGH-021': 'The plate can not be weighed now.',
  'CW-WGH-022': 'The plate moves.',
  'CW-WGH-023': 'The mass on the plate is not stable.',
  'CW-WGH-024': 'The mass on the plate is below zero.',
} as const;

export type WeighingCode = keyof typeof weighingCodes;

/** Thrown by commands on a plate; faults of cells and plates are outputs, not errors. */
export class WeighingError extends CodedError<WeighingCode> {}
