/** What ends the program, documented in its help. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  noBoard: 3,
  inUse: 4,
  wrongChip: 5,
  internal: 70,
  noTool: 69,
} as const;

/** A reason to stop that the user can do something about: its message is all they see. */
export class FlashError extends Error {
  readonly exitCode: number;

  constructor(reason: keyof typeof exitCodes, message: string) {
    super(message);
    this.exitCode = exitCodes[reason];
  }
}
