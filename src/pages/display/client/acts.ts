import type { Outcome } from '../source.ts';

const tries = 3;
const againAfterMs = 700;

/** Carries out what was touched. A lost answer is asked for again under the same transaction, so it is done once. */
export class Acts {
  /** The token that the stream began with. */
  token = '';

  /** Resolves with the outcome, or undefined where the gateway can't be reached. */
  async do(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<Outcome | undefined> {
    const body = JSON.stringify({ command, args, transaction: crypto.randomUUID() });
    for (let attempt = 1; attempt <= tries; attempt++) {
      const answer = await this.#post(body);
      if (answer !== undefined) return answer;
      if (attempt < tries) await new Promise((resolve) => setTimeout(resolve, againAfterMs));
    }
    return undefined;
  }

  async #post(body: string): Promise<Outcome | undefined> {
    try {
      const response = await fetch('api/act', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Cartwright-Token': this.token },
        body,
      });
      const answer = (await response.json()) as Outcome & {
        readonly code?: string;
        readonly message?: string;
      };
      if (response.ok) return answer;
      return { status: 'refused', code: answer.code ?? '', message: answer.message ?? '' };
    } catch {
      return undefined;
    }
  }
}
