/** A refusal that the pipeline has already coded. */
export class RefusedOutcome extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
