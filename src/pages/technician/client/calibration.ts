/**
 * What a session of calibration is, as devices tell it (docs/mqtt.md, calibration.…): read with care, since devices are older or
 * newer than the page.
 */
export interface Notice {
  readonly code: string;
  readonly message: string;
}

export interface Residual {
  readonly massMg: number;
  readonly at: string;
  readonly direction: 'up' | 'down';
  readonly indicatedMg: number;
  readonly errorMg: number;
  readonly mpeMg: number;
}

export interface Verification extends Residual {
  readonly passed: boolean;
  readonly independent?: boolean;
}

export interface PlateCandidate {
  readonly model: string;
  readonly trimmed: boolean;
  readonly residuals: readonly Residual[];
  readonly gainPpm: Readonly<Record<string, number>>;
  readonly warnings: readonly Notice[];
}

export interface Observation {
  readonly test: string;
  readonly massMg: number;
  readonly at: string;
  readonly direction: string;
  readonly indicatedMg: number;
  readonly extraMg?: number;
}

export interface PlateView {
  readonly state: string;
  readonly allowed: readonly string[];
  readonly zeroDoubtful: boolean;
  readonly substitutedMg: number;
  readonly loads: readonly { readonly massMg: number; readonly at: string; readonly apparentMg: number }[];
  readonly verifications: readonly Verification[];
  readonly observations: readonly Observation[];
  readonly candidate: PlateCandidate | undefined;
  readonly notices: readonly Notice[];
}

export interface TestWeight {
  readonly id: string;
  readonly massMg: number;
}

export interface SessionView {
  readonly session: string;
  readonly purpose: string;
  readonly state: string;
  readonly by: { readonly key?: string; readonly role?: string; readonly who?: string | number };
  /** Revision that was in force when it began. */
  readonly revision: number;
  readonly weights: readonly TestWeight[];
  readonly plates: Readonly<Record<string, PlateView>>;
  /** Hash of what a commit would put in force. */
  readonly candidate: string | undefined;
  /** When the lease is over, by the device's own clock, µs. */
  readonly expiresUs: number | undefined;
}

/** One thing that a technician does. */
export interface PlannedStep {
  readonly step: string;
  readonly massMg: number;
  readonly at: string;
  readonly direction: 'up' | 'down';
  readonly weights: readonly string[];
}

type Loose = Readonly<Record<string, unknown>>;
const isLoose = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): readonly Loose[] => (Array.isArray(value) ? value.filter(isLoose) : []);
const number = (value: unknown, otherwise = 0) => (typeof value === 'number' ? value : otherwise);
const text = (value: unknown, otherwise = '') => (typeof value === 'string' ? value : otherwise);
const texts = (value: unknown) =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];

/** The session in an answer to `calibration.status`; undefined where there is none. */
export function sessionIn(data: Loose): SessionView | undefined {
  const found = data.session;
  if (!isLoose(found) || typeof found.session !== 'string') return undefined;
  const plates = isLoose(found.plates) ? found.plates : {};
  return {
    session: found.session,
    purpose: text(found.purpose, 'calibrate'),
    state: text(found.state, 'armed'),
    by: isLoose(found.by) ? found.by : {},
    revision: number(found.revision),
    weights: list(found.weights).map(({ id, massMg }) => ({ id: text(id), massMg: number(massMg) })),
    plates: Object.fromEntries(
      Object.entries(plates).flatMap(([id, one]) => (isLoose(one) ? [[id, plateIn(one)]] : [])),
    ),
    candidate: typeof found.candidate === 'string' ? found.candidate : undefined,
    expiresUs: typeof found.expiresUs === 'number' ? found.expiresUs : undefined,
  };
}

function plateIn(plate: Loose): PlateView {
  const candidate = isLoose(plate.candidate) ? plate.candidate : undefined;
  return {
    state: text(plate.state, 'armed'),
    allowed: texts(plate.allowed),
    zeroDoubtful: plate.zeroDoubtful === true,
    substitutedMg: number(plate.substitutedMg),
    loads: list(plate.loads).map(({ massMg, at, apparentMg }) => ({
      massMg: number(massMg),
      at: text(at, 'centre'),
      apparentMg: number(apparentMg),
    })),
    verifications: list(plate.verifications).map((one) => ({
      ...residual(one),
      passed: one.passed === true,
      independent: one.independent === true,
    })),
    observations: list(plate.observations) as unknown as readonly Observation[],
    candidate:
      candidate === undefined
        ? undefined
        : {
            model: text(candidate.model),
            trimmed: candidate.trimmed === true,
            residuals: list(candidate.residuals).map(residual),
            gainPpm: isLoose(candidate.gainPpm)
              ? (candidate.gainPpm as Readonly<Record<string, number>>)
              : {},
            warnings: noticesIn(candidate.warnings),
          },
    notices: noticesIn(plate.notices),
  };
}

function residual(one: Loose): Residual {
  return {
    massMg: number(one.massMg),
    at: text(one.at, 'centre'),
    direction: one.direction === 'down' ? 'down' : 'up',
    indicatedMg: number(one.indicatedMg),
    errorMg: number(one.errorMg),
    mpeMg: number(one.mpeMg),
  };
}

/** Notices of an answer. */
export function noticesIn(value: unknown): readonly Notice[] {
  return list(value).map(({ code, message }) => ({ code: text(code), message: text(message) }));
}

/** The plan in an answer to `calibration.plan`. */
export function planIn(data: Loose): readonly PlannedStep[] {
  return list(data.steps).map(({ step, massMg, at, direction, weights }) => ({
    step: text(step),
    massMg: number(massMg),
    at: text(at, 'centre'),
    direction: direction === 'down' ? 'down' : 'up',
    weights: texts(weights),
  }));
}

/** Zero alone needs no weights, so there is nothing to plan: what a device answers for it. */
export const zeroPlan: readonly PlannedStep[] = (['zero', 'fit', 'commit'] as const).map((step) => ({
  step,
  massMg: 0,
  at: 'centre',
  direction: 'up',
  weights: [],
}));

/** Whether a step that was refused so may be insisted on, with a reason: what was found can be as it is for a cause that the device does not know. */
export function canInsist(command: string, code: string): boolean {
  return (command === 'zero' || command === 'load') && (code === 'CW-CAL-027' || code === 'CW-CAL-032');
}

/** What a device would refuse to put in force for: the result was not checked, or a check failed. */
export function checkOf({ candidate, verifications }: PlateView): 'passed' | 'failed' | 'missing' {
  // Of the empty plate alone there is nothing that weights could show.
  if (candidate?.model === 'zero') return 'passed';
  if (verifications.length === 0) return 'missing';
  return verifications.every(({ passed }) => passed) ? 'passed' : 'failed';
}

/** The same loads as checks: what a verification does, which fits nothing and puts nothing in force. */
export function asVerification(plan: readonly PlannedStep[]): readonly PlannedStep[] {
  return plan.flatMap((one) =>
    one.step === 'zero'
      ? [one]
      : one.step === 'load' || one.step === 'verify'
        ? [{ ...one, step: 'verify' }]
        : [],
  );
}

/** How many steps of the plan are done, by what the plate has. */
export function doneOf(plan: readonly PlannedStep[], plate: PlateView): number {
  const zeroDone = plate.state !== 'armed' && !plate.zeroDoubtful;
  let loads = plate.loads.length;
  let checks = plate.verifications.length;
  let done = 0;
  for (const { step } of plan) {
    const isDone =
      step === 'zero'
        ? zeroDone
        : step === 'load'
          ? loads-- > 0
          : step === 'fit'
            ? plate.candidate !== undefined
            : step === 'verify'
              ? checks-- > 0
              : false;
    if (!isDone) break;
    done += 1;
  }
  return done;
}
