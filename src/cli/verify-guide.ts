import type { CalibrationReport } from '#calibration/report/model.ts';
import type { PlannedStep } from '#calibration/tests/plan.ts';
import type { TestName } from '#calibration/tests/types.ts';
import type { Weight } from '#calibration/types.ts';
import { type Ask, type CalibrationTalk, type DevicePlate, Refused } from './calibrate-talk.ts';

/** What a technician is asked to do, and which of how many it is. */
export interface TestPrompt {
  readonly plate: string;
  readonly test: TestName | 'zero';
  readonly massMg: number;
  readonly at: string;
  readonly weights: readonly string[];
  readonly text: string;
  readonly number: number;
  readonly of: number;
  /** To be done at this time, ms since the load was put down or it was switched on; at once where left out. */
  readonly inS?: number;
}

export type TestReply = 'done' | 'skip' | 'abort';

/** Whoever stands at the scale. */
export interface Verifier {
  /** Resolves when it is done; waits until it is due first. */
  place(prompt: TestPrompt): Promise<TestReply>;
  tell(text: string): void;
  /** Seconds on a clock that only goes on. */
  nowS(): number;
}

export interface VerifyJob {
  /** Plates; all that have Max and e where left out. */
  readonly plates?: readonly string[];
  readonly weights: readonly Weight[];
  readonly tests: readonly TestName[];
  readonly leaseS: number;
}

/** A step that is refused so often is left out. */
const mostRefusals = 3;

/**
 * Leads through the verification tests of one device: nothing is changed. Resolves with the report as far as it came; undefined
 * where the technician ended it. Rejects with Refused where the session can't begin, and with CW-CLI-003 where nobody answers.
 */
export async function guideVerification(
  ask: Ask,
  talk: CalibrationTalk,
  verifier: Verifier,
  job: VerifyJob,
): Promise<CalibrationReport | undefined> {
  const status = await talk.status();
  const plates = chosen(status.plates, job.plates);
  await talk.begin({
    plates: plates.map(({ id }) => id),
    purpose: 'verify',
    expected: status.revision,
    weights: job.weights,
    leaseS: job.leaseS,
  });
  try {
    for (const { id } of plates) {
      const { steps, notes } = await planOf(ask, id, job);
      for (const note of notes) verifier.tell(note);
      if (!(await testPlate(talk, verifier, id, steps))) return undefined;
    }
    const answer = await ask('calibration.report', { session: talk.session });
    if (answer.status === 'refused') throw new Refused(answer.code, answer.message);
    await talk.finish();
    return JSON.parse(String(answer.data.report)) as CalibrationReport;
  } finally {
    await talk.abort('the verification is over');
  }
}

function chosen(known: readonly DevicePlate[], ids: readonly string[] | undefined): readonly DevicePlate[] {
  const testable = known.filter(({ maxMg, intervalMg }) => maxMg !== undefined && intervalMg !== undefined);
  const strange = ids?.find((id) => !testable.some((plate) => plate.id === id));
  if (strange !== undefined || testable.length === 0) {
    const names = testable.map(({ id }) => id).join(', ') || 'none';
    throw new Refused('CW-CAL-007', `plate ${strange ?? ''} has no Max and e; there are: ${names}`);
  }
  return testable.filter(({ id }) => ids === undefined || ids.includes(id));
}

async function planOf(
  ask: Ask,
  plate: string,
  { weights, tests }: VerifyJob,
): Promise<{ steps: readonly PlannedStep[]; notes: readonly string[] }> {
  const answer = await ask('calibration.plan', { plate, weights, tests });
  if (answer.status === 'refused') throw new Refused(answer.code, answer.message);
  const plan = answer.data as unknown as { steps: readonly PlannedStep[]; notes: readonly string[] };
  // Substitution loads need an eye on the display: here what weights alone reach is tested.
  const steps = plan.steps.filter(({ kind, substitutedMg }) => kind === 'reading' && substitutedMg === 0);
  const note = 'Substitution loads are not guided here: what the weights reach is tested.';
  return { steps, notes: steps.length < plan.steps.length ? [...plan.notes, note] : plan.notes };
}

/** False where the technician ended it. */
async function testPlate(
  talk: CalibrationTalk,
  verifier: Verifier,
  plate: string,
  steps: readonly PlannedStep[],
): Promise<boolean> {
  const of = steps.length + 1;
  const zero = { plate, test: 'zero', massMg: 0, at: 'centre', weights: [], number: 1, of } as const;
  const cleared = { ...zero, text: `Clear plate ${plate}.` };
  if (!(await carryOut(verifier, cleared, () => talk.step('zero', { plate })))) return false;
  let sinceS = verifier.nowS();
  for (const [index, step] of steps.entries()) {
    const { test, massMg, at, direction, weights, tilt, text, afterMinutes } = step;
    if (afterMinutes === undefined) sinceS = verifier.nowS();
    const dueS = sinceS + (afterMinutes ?? 0) * 60;
    const inS = Math.max(0, Math.round(dueS - verifier.nowS()));
    const prompt = { plate, test, massMg, at, weights, text, number: index + 2, of };
    const args = { plate, test, massMg, at, direction, weights, ...(tilt === undefined ? {} : { tilt }) };
    const take = async () => {
      await talk.step('test', args);
      if (afterMinutes === 0 && massMg > 0) sinceS = verifier.nowS();
    };
    if (!(await carryOut(verifier, inS === 0 ? prompt : { ...prompt, inS }, take))) return false;
  }
  return true;
}

/** Asks until it is taken, left out or ended (false). What is refused is told, and asked for again. */
async function carryOut(
  verifier: Verifier,
  prompt: TestPrompt,
  take: () => Promise<unknown>,
): Promise<boolean> {
  for (let tries = 0; tries < mostRefusals; tries++) {
    const reply = await verifier.place(tries === 0 ? prompt : { ...prompt, inS: 0 });
    if (reply === 'abort') return false;
    if (reply === 'skip') return true;
    try {
      await take();
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      verifier.tell(error.message.startsWith(error.code) ? error.message : `${error.code} ${error.message}`);
    }
  }
  verifier.tell('Left out: it was refused three times.');
  return true;
}
