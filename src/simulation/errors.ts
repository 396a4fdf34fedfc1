import { CodedError } from '#base/errors.ts';

/** What can be wrong with a scenario or the world it plays in. */
export const simulationCodes = {
  'CW-SIM-001': 'The scenario file can not be read.',
  'CW-SIM-002': 'The scenario file is not valid YAML.',
  'CW-SIM-003': 'The scenario does not follow its format.',
  'CW-SIM-004': 'The scenario names a product that the catalogue does not have.',
  'CW-SIM-005': 'The scenario names a plate, cell or scanner that the board does not have.',
  'CW-SIM-006': 'The scenario takes something that is not there.',
  'CW-SIM-007': 'A code can not be made from what the scenario asks for.',
  'CW-SIM-008': 'The mass of something is not known.',
  'CW-SIM-009': 'The pictures from which a camera is simulated can not be used.',
} as const;

export class SimulationError extends CodedError<keyof typeof simulationCodes> {}
