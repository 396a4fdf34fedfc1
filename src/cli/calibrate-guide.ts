import { loadText } from '#calibration/mass-text.ts';
import type { PlannedStep } from '#calibration/plan.ts';
import type { Candidate, StepResult } from '#calibration/session.ts';
import type { Weight } from '#calibration/types.ts';
import {
  type CalibrationTalk,
  type DevicePlate,
  type DeviceStatus,
  placeOf,
  Refused,
} from './calibrate-talk.ts';

/** What a technician says to a prompt. */
export type Reply = 'done' | 'undo' | 'abort';

/** What is asked of whoever stands at the scale. */
export interface Prompt {
  readonly plate: string;
  readonly step: PlannedStep['step'];
  readonly massMg: number;
  readonly at: string;
  readonly weights: readonly string[];
  /** The same in a sentence. */
  readonly text: string;
  /** Which of how many. */
  readonly number: number;
  readonly of: number;
}

/** Whoever stands at the scale: a person at a terminal, a program that reads lines, a script. */
export interface Technician {
  place(prompt: Prompt): Promise<Reply>;
  /** Whether a candidate is put in force. */
  accept(plate: DevicePlate, candidate: Candidate): Promise<boolean>;
  tell(told: Told): void;
}

export type Told =
  | { readonly what: 'note'; readonly text: string }
  | { readonly what: 'measuring' }
  | { readonly what: 'taken'; readonly prompt: Prompt; readonly result: StepResult }
  | { readonly what: 'refused'; readonly code: string; readonly message: string }
  | { readonly what: 'undone' };

export interface Job {
  /** Plates to calibrate; all that stand on cells where left out. */
  readonly plates?: readonly string[];
  readonly weights: readonly Weight[];
  readonly model: 'zero' | 'span' | 'full';
  readonly leaseS: number;
  /** Why a zero or a span far from the former one is right: it is taken then, and stays on record. */
  readonly force?: string;
  /** A step that is refused so often ends the session of an unattended run. */
  readonly mostRefusals: number;
}

export type Outcome =
  | { readonly outcome: 'committed'; readonly revision: number; readonly plates: readonly string[] }
  | { readonly outcome: 'aborted'; readonly why: string };

/**
 * Leads through a calibration of one device: one session, the plates one after the other, one commit. What the device
 * refuses is told with its reason, and the step is asked for again. Rejects with Refused where the session itself can't begin,
 * and with CW-CLI-003 where nobody answers; the scale then stays as it was.
 */
export async function guideCalibration(
  talk: CalibrationTalk,
  technician: Technician,
  job: Job,
): Promise<Outcome> {
  const status = await talk.status();
  const plates = chosen(status, job.plates);
  await talk.begin({
    plates: plates.map(({ id }) => id),
    purpose: 'calibrate',
    expected: status.revision,
    weights: job.weights,
    leaseS: job.leaseS,
  });
  try {
    for (const plate of plates) {
      const { steps, notes } = await talk.plan(plate.id, job.weights, job.model);
      for (const text of notes) technician.tell({ what: 'note', text });
      const measured = await walk(talk, technician, plate, steps.filter(isBeforeFit), job);
      if (measured !== 'done') return await aborted(talk, measured);
    }
    const candidate = await fitted(talk, technician, plates);
    for (const plate of plates) {
      const { steps } = await talk.plan(plate.id, job.weights, job.model);
      const checked = await walk(
        talk,
        technician,
        plate,
        steps.filter(({ step }) => step === 'verify'),
        job,
      );
      if (checked !== 'done') return await aborted(talk, checked);
    }
    for (const plate of plates)
      if (!(await technician.accept(plate, candidate))) return await aborted(talk, 'it was not accepted');
    const { revision } = await talk.commit(candidate.hash, status.revision);
    technician.tell({ what: 'note', text: clearing });
    return { outcome: 'committed', revision, plates: plates.map(({ id }) => id) };
  } catch (error) {
    await talk.abort('the wizard could not go on');
    throw error;
  }
}

/** Test weights that are taken off are nobody's purchase; the plates are the shop's again when they are empty. */
const clearing = 'Take the weights off: the plates are in use again as soon as they are empty.';

const isBeforeFit = ({ step }: PlannedStep) => step === 'zero' || step === 'load';

/** Fits one plate after the other; with the last of them there is a candidate of all. */
async function fitted(
  talk: CalibrationTalk,
  technician: Technician,
  plates: readonly DevicePlate[],
): Promise<Candidate> {
  let candidate: Candidate | undefined;
  for (const { id } of plates) candidate = (await talk.step('fit', { plate: id })).candidate;
  if (candidate === undefined) throw new Refused('CW-CAL-012', 'the device fitted nothing; please report it');
  for (const { warnings } of Object.values(candidate.plates)) {
    for (const { code, message } of warnings) technician.tell({ what: 'note', text: `${code} ${message}` });
  }
  return candidate;
}

function chosen({ plates }: DeviceStatus, named: readonly string[] | undefined): readonly DevicePlate[] {
  if (named === undefined) return plates.filter(({ cells }) => cells.length > 0);
  return named.map((id) => {
    const plate = plates.find((one) => one.id === id);
    if (plate !== undefined) return plate;
    throw new Refused(
      'CW-CAL-174',
      `there is no weighed plate ${id}; there are: ${plates.map((one) => one.id).join(', ')}`,
    );
  });
}

async function aborted(talk: CalibrationTalk, why: string): Promise<Outcome> {
  await talk.abort(why);
  return { outcome: 'aborted', why };
}

/** Goes through steps of one plate; `done`, or why it did not come to the end. */
async function walk(
  talk: CalibrationTalk,
  technician: Technician,
  plate: DevicePlate,
  steps: readonly PlannedStep[],
  { mostRefusals, force }: Job,
): Promise<string> {
  let refusals = 0;
  for (let index = 0; index < steps.length; ) {
    const planned = steps[index];
    if (planned === undefined) break;
    const prompt = promptOf(plate, planned, index + 1, steps.length);
    const reply = await technician.place(prompt);
    if (reply === 'abort') return 'the technician ended it';
    try {
      if (reply === 'undo') {
        if (index === 0) continue;
        await talk.step('undo', { plate: plate.id });
        technician.tell({ what: 'undone' });
        index -= 1;
        continue;
      }
      technician.tell({ what: 'measuring' });
      const result = await talk.step(planned.step, argumentsOf(plate, planned, force));
      technician.tell({ what: 'taken', prompt, result });
      if (result.verification?.passed === false) {
        // It would be refused with this load; a better one may take its place.
        await talk.step('undo', { plate: plate.id });
        technician.tell({ what: 'undone' });
        refusals += 1;
        if (refusals >= mostRefusals) return 'CW-CAL-017 a check was more wrong than is permitted';
        continue;
      }
      refusals = 0;
      index += 1;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      technician.tell({ what: 'refused', code: error.code, message: error.message });
      refusals += 1;
      if (refusals >= mostRefusals) return `${error.code} ${error.message}`;
    }
  }
  return 'done';
}

function argumentsOf(
  plate: DevicePlate,
  { step, massMg, at, weights, direction }: PlannedStep,
  force: string | undefined,
) {
  const reason = force === undefined ? {} : { force };
  if (step === 'zero') return { plate: plate.id, ...reason };
  const load = { plate: plate.id, massMg, at, weights };
  return step === 'load' ? { ...load, direction, ...reason } : load;
}

function promptOf(plate: DevicePlate, planned: PlannedStep, number: number, of: number): Prompt {
  const { step, massMg, at, weights } = planned;
  const cell = plate.cells.find(({ id }) => id === at);
  const where = cell === undefined ? 'in the middle' : `over the cell ${placeOf(cell)} (${cell.id})`;
  const which = weights.length === 0 ? '' : ` (${weights.join(' + ')})`;
  const text =
    step === 'zero'
      ? `Empty plate ${plate.id}: take everything off it.`
      : `Put ${loadText(massMg)}${which} on plate ${plate.id}, ${where}; nothing else may lie on it.`;
  return { plate: plate.id, step, massMg, at, weights, text, number, of };
}
