import { CodedError } from '#base/errors.ts';

/** What can go wrong between a frame and what is said of it. */
export const visionCodes = {
  'CW-VIS-001': 'A file of the model is missing or not readable.',
  'CW-VIS-002': 'A file of the model is not the one that its manifest names (its hash differs).',
  'CW-VIS-003': "The model's manifest is not valid.",
  'CW-VIS-004': "The model's inputs or outputs are not what its manifest says.",
  'CW-VIS-005': 'The inference engine could not be loaded.',
  'CW-VIS-006': 'An inference failed.',
  'CW-VIS-007': 'A picture is damaged or in no format that is read.',
  'CW-VIS-008': 'A frame has not the size, stride or number of bytes that its format asks for.',
  'CW-VIS-009': 'A gallery is damaged or of a version that is not read.',
  'CW-VIS-010': 'A gallery was made with another model.',
  'CW-VIS-011': 'The gallery is full.',
  'CW-VIS-012': 'The vision process ended; it is started again.',
  'CW-VIS-013': 'The vision process does not answer; it is ended and started again.',
  'CW-VIS-014': 'The lens is covered.',
  'CW-VIS-015': 'The picture is blurred: the lens is dirty or out of focus.',
  'CW-VIS-016': 'The camera has been moved: it no longer sees what it saw.',
  'CW-VIS-017': 'What was enrolled is not usable: too few pictures, or nothing to see on them.',
  'CW-VIS-018': 'The codes of a frame could not be looked for.',
  'CW-VIS-019': 'The vision process said something that is no message; it is ended and started again.',
  'CW-VIS-020': 'A recording of a camera can not be made.',
  'CW-VIS-021': 'The vision process takes more memory than it may; it is started again.',
  'CW-VIS-022': 'The camera repeats the same picture.',
  'CW-VIS-023': 'The memory that is set aside for frames holds too few of them.',
  'CW-VIS-024': "The store's gallery can not be fetched or kept.",
} as const;

export type VisionCode = keyof typeof visionCodes;

/** Whether a code that came from elsewhere is one of this room. */
export function isVisionCode(code: string): code is VisionCode {
  return Object.hasOwn(visionCodes, code);
}

export class VisionError extends CodedError<VisionCode> {}
