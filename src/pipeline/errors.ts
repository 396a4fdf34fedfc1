import { CodedError } from '#base/errors.ts';

/** What the pipeline refuses or can't use. */
export const pipelineCodes = {
  'CW-PIP-001': "The code names a product that the catalogue doesn't have.",
  'CW-PIP-002': 'The command is not one that the pipeline carries out.',
  'CW-PIP-003': "The command's arguments are not valid.",
  'CW-PIP-004': 'A session token was scanned while another session is open.',
  'CW-PIP-005': 'The command failed for a reason that should not occur.',
  'CW-PIP-006': 'A code could not be understood for a reason that should not occur.',
  'CW-PIP-007': 'The outbox has no room for another session; no new one is begun.',
  'CW-PIP-008': 'A device has more different faults than are told one by one.',
  'CW-PIP-009': 'The saved state of the pipeline is not readable.',
  'CW-PIP-010': 'More radio tags are in the field of a reader than can be told apart.',
  'CW-PIP-011': 'Staff can not begin to work on a cart while a session is open.',
  'CW-PIP-012': 'Staff work on the cart; no session begins until they are done.',
  'CW-PIP-013': 'A calibration came into force when a session had just begun.',
  'CW-PIP-014': 'Somebody else works on the plate.',
} as const;

export class PipelineError extends CodedError<keyof typeof pipelineCodes> {}
