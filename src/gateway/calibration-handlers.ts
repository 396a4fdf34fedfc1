import type { z } from 'zod';
import { CalibrationError } from '#calibration/errors.ts';
import { planCalibration } from '#calibration/plan.ts';
import { makeReport, type ReportFacts } from '#calibration/report/make.ts';
import { reportVerdict } from '#calibration/report/model.ts';
import type { SessionView, StepKind } from '#calibration/session.ts';
import { type CalibrationRecord, sha256Hex } from '#calibration/store/record.ts';
import { planTests, testedPlate } from '#calibration/tests/plan.ts';
import type { Weight } from '#calibration/types.ts';
import type { Handler, HandlerContext } from '#commands/desk.ts';
import type { PlateEntry } from '#config/board.ts';
import type { PlainMap } from '#events/fields.ts';
import { given, parseArguments } from './arguments.ts';
import { type CalibrationCommand, calibrationArguments } from './calibration-arguments.ts';
import type { CalibrationBench, Who } from './calibration-bench.ts';
import type { CalibrationKeeper } from './calibration-keeper.ts';
import type { Keep } from './kept-change.ts';
import { plainAnswer as plain } from './plain-answer.ts';
import type { ScaleCare } from './scale-care.ts';
import type { ScaleDiagnosis } from './scale-diagnosis.ts';

interface CalibrationTargets {
  readonly bench: CalibrationBench;
  readonly keeper: Pick<CalibrationKeeper, 'calibration' | 'head' | 'revisions' | 'commit' | 'rollback'>;
  readonly diagnosis: Pick<ScaleDiagnosis, 'run' | 'press'>;
  /** How the scales fared since they were calibrated. */
  readonly care: Pick<ScaleCare, 'due' | 'history'>;
  /** Weighed plates of the board. */
  readonly plates: readonly PlateEntry[];
  readonly keep: Keep;
  /** Reports of verifications that were finished, by session. */
  readonly verified: Map<string, string>;
  /** What a report says of this device now. */
  readonly facts: () => Omit<ReportFacts, 'plates' | 'calibration'>;
}

type Args<Name extends CalibrationCommand> = z.infer<(typeof calibrationArguments)[Name]>;

/** Under this key the newest verification lies in the outbox's state. */
const verifiedKey = 'calibration/verified';

/** Steps of a session that are commands of their own. */
const steps = [
  'zero',
  'load',
  'substitute',
  'temperature',
  'undo',
  'fit',
  'verify',
  'test',
] as const satisfies readonly StepKind[];

/** Commands of a technician that change something on this device: their answers outlive a restart. */
export const calibrationChanges: readonly string[] = [
  ...['begin', 'abort', 'finish', 'commit', 'rollback', ...steps].map((name) => `calibration.${name}`),
];

/** The `calibration.…` commands, by name. */
export function calibrationHandlers(targets: CalibrationTargets): ReadonlyMap<string, Handler> {
  const handlers = new Map<string, Handler>();
  const add = <Name extends CalibrationCommand>(
    name: Name,
    work: (args: Args<Name>, context: HandlerContext) => Promise<PlainMap> | PlainMap,
  ) => {
    const command = `calibration.${name}`;
    handlers.set(command, (asked, context) => {
      // TypeScript can't see that the schema of a name gives the arguments of that name.
      const args = parseArguments(command, calibrationArguments[name], asked) as Args<Name>;
      return work(args, context);
    });
  };
  const { bench, keeper, plates, keep, diagnosis } = targets;
  add('status', () => statusOf(targets));
  add('plan', ({ plate, weights, model, tests }) => {
    const entry = plateOf(plates, plate);
    const set = weightsOf(weights);
    if (tests === undefined) return plain({ ...planCalibration(entry, set, model) });
    const { regime } = targets.facts();
    return plain({ ...planTests({ plate: testedPlate(entry), regime, weights: set, tests }) });
  });
  add('begin', (args, context) =>
    bench.inTurn(async () => {
      const { environment, ...rest } = args;
      const told = environment === undefined ? {} : { environment: given(environment) };
      const asked = { ...rest, ...told, weights: weightsOf(args.weights) };
      const change = await bench.begin(asked, whoOf(context));
      const data = {
        session: bench.view?.session ?? '',
        revision: keeper.calibration?.revision ?? 0,
        leaseS: args.leaseS,
      };
      await keep({ command: 'calibration.begin', args }, context, data, { ...change, facts: {} });
      return data;
    }),
  );
  add('renew', ({ session }, context) => leaseOf(bench.renew(session, whoOf(context))));
  add('resume', ({ session }, context) => plain({ session: bench.renew(session, whoOf(context)) }));
  for (const kind of steps) {
    add(kind, (args, context) =>
      bench.inTurn(async () => {
        const { session, ...rest } = args;
        const { result, change } = await bench.step(kind, session, given(rest), whoOf(context));
        const data = plain({ ...result });
        await keep({ command: `calibration.${kind}`, args }, context, data, change);
        return data;
      }),
    );
  }
  add('abort', (args, context) => {
    bench.held(args.session, whoOf(context));
    return bench.inTurn(async () => {
      bench.held(args.session, whoOf(context));
      const data = { session: args.session, outcome: 'aborted' };
      const change = bench.ending('aborted', keeper.calibration?.revision);
      await keep({ command: 'calibration.abort', args }, context, data, { ...change, facts: {} });
      await bench.ended();
      return data;
    }, true);
  });
  add('finish', (args, context) => bench.inTurn(() => finish(targets, args, context)));
  add('commit', (args, context) => bench.inTurn(() => commit(targets, args, context)));
  add('rollback', (args, context) =>
    bench.inTurn(async () => {
      let data: PlainMap = {};
      const by = whoOf(context);
      bench.freeFor(by);
      const record = await keeper.rollback(
        { revision: args.revision, expected: args.expected, by, transaction: context.transaction },
        async (change) => {
          data = { revision: revisionOf(change.drafts), from: args.revision };
          await keep({ command: 'calibration.rollback', args }, context, data, change);
        },
      );
      return { ...data, hash: record.hash };
    }),
  );
  add('list', ({ before, count }) => {
    const all = keeper.revisions.list().filter(({ revision }) => before === undefined || revision < before);
    return plain({ revisions: all.slice(0, count), more: all.length > count });
  });
  add('show', async ({ revision }) => {
    const { report, calibration, ...rest } = await keeper.revisions.read(revision);
    return plain({ ...rest, hasReport: report !== undefined, calibration: JSON.stringify(calibration) });
  });
  add('report', async ({ revision, session }) => {
    if (session !== undefined) return { report: sessionReport(targets, session) };
    const asked = revision ?? keeper.head?.revision;
    const record = asked === undefined ? undefined : await keeper.revisions.read(asked);
    if (record?.report === undefined) {
      throw new CalibrationError(
        'CW-CAL-110',
        `there is no report of revision ${asked ?? 0}; calibration.list says which have one`,
      );
    }
    return { report: JSON.stringify(withPlace(record)) };
  });
  add('diagnose', async ({ plates: ids, seconds, empty, press }) => {
    if (press !== undefined) return plain({ press: await diagnosis.press(ids, press, seconds) });
    const found = await diagnosis.run(ids, seconds, empty);
    return plain({ ...found, care: { due: targets.care.due(), ...targets.care.history() } });
  });
  return handlers;
}

/** Puts a candidate in force. Where that fails the session goes on as it was, with all that was measured. */
async function commit(
  { bench, keeper, keep, facts, plates }: CalibrationTargets,
  args: Args<'commit'>,
  context: HandlerContext,
): Promise<PlainMap> {
  const { session, candidate, expected } = args;
  const by = whoOf(context);
  const inForce = keeper.calibration;
  const newest = keeper.head?.revision ?? 0;
  const revision = inForce?.revision ?? 0;
  const isKnown = expected === newest || expected === revision;
  const result = bench.committing(
    session,
    { candidate, expected: isKnown ? revision : expected, inForce: revision },
    by,
  );
  const { view } = bench;
  const onlyZero = Object.values(result.candidate?.plates ?? {}).every(({ model }) => model === 'zero');
  const report = view && makeReport(view, { ...facts(), plates, calibration: { revision } });
  let data: PlainMap = {};
  const record = await keeper.commit(
    {
      cause: onlyZero ? 'zero' : 'calibrate',
      expected: newest,
      by,
      session,
      transaction: context.transaction,
      calibration: {
        ...(inForce ?? {}),
        calibration: 1,
        revision: inForce?.revision ?? 1,
        ...(result.gravityUmS2 === undefined ? {} : { gravityUmS2: result.gravityUmS2 }),
        plates: { ...inForce?.plates, ...result.plates },
      },
      ...(report === undefined ? {} : { report }),
    },
    async (change) => {
      const committed = revisionOf(change.drafts);
      const end = bench.ending('committed', committed);
      data = { session, outcome: 'committed', revision: committed };
      await keep({ command: 'calibration.commit', args }, context, data, {
        ...change,
        state: { ...change.state, ...end.state },
        drafts: [...(change.drafts ?? []), ...end.drafts],
      });
    },
  );
  await bench.ended();
  return { ...data, hash: record.hash };
}

/** Ends a verification: its verdict and the hash of its report go on record, and the report stays here. */
async function finish(
  targets: CalibrationTargets,
  args: Args<'finish'>,
  context: HandlerContext,
): Promise<PlainMap> {
  const { bench, keeper, keep } = targets;
  const { session } = args;
  bench.held(session, whoOf(context));
  const { view } = bench;
  if (view === undefined || view.purpose !== 'verify') {
    throw new CalibrationError('CW-CAL-175', `session ${session} calibrates: commit it, or abort it`);
  }
  const report = reportOf(targets, view);
  const text = JSON.stringify(report);
  const verdict = reportVerdict(report);
  const sha256 = sha256Hex(text);
  const data = { session, outcome: 'verified', verdict, sha256 };
  const end = bench.ending('verified', keeper.calibration?.revision);
  await keep({ command: 'calibration.finish', args }, context, data, {
    state: { ...end.state, [verifiedKey]: JSON.stringify({ session, report: text }) },
    drafts: end.drafts,
    facts: { verdict, report: { sha256 }, revision: report.calibration.revision },
  });
  targets.verified.clear();
  targets.verified.set(session, text);
  await bench.ended();
  return data;
}

/** The report of the session that is under way, or of a verification that was finished. */
function sessionReport(targets: CalibrationTargets, session: string): string {
  const { view } = targets.bench;
  if (view?.session === session) return JSON.stringify(reportOf(targets, view));
  const text = targets.verified.get(session);
  if (text !== undefined) return text;
  throw new CalibrationError(
    'CW-CAL-172',
    `session ${session} is not under way, and not the newest verification; of a calibration ask for its revision`,
  );
}

/** The newest verification, as the outbox keeps it: by its session. */
export function storedVerification(stored: Readonly<Record<string, string>>): Map<string, string> {
  const text = stored[verifiedKey];
  if (text === undefined) return new Map();
  const { session, report } = JSON.parse(text) as { readonly session: string; readonly report: string };
  return new Map([[session, report]]);
}

/** The revision that the event of a commit names. */
function revisionOf(drafts: Parameters<Keep>[3]['drafts']): number {
  const event = drafts?.find(({ type }) => type === 'calibration.committed');
  return event?.type === 'calibration.committed' ? event.data.revision : 0;
}

function statusOf({ bench, keeper, plates }: CalibrationTargets): PlainMap {
  const { view } = bench;
  const { head } = keeper;
  return plain({
    revision: keeper.calibration?.revision ?? 0,
    ...(head === undefined ? {} : { newest: head.revision, counters: head.counters, hash: head.hash }),
    plates: plates.map(({ id, kind, maxMg, intervalMg, divisionMg, cells = [], scale }) => ({
      ...{ id, kind, maxMg, intervalMg, divisionMg },
      ...(scale === undefined ? {} : { scale }),
      cells: cells.map((cell) => ({ id: cell.id, positionMm: cell.positionMm, capacityMg: cell.capacityMg })),
    })),
    ...(view === undefined ? {} : { session: view }),
  });
}

function reportOf({ facts, keeper, plates }: CalibrationTargets, view: SessionView) {
  const { calibration: inForce, head } = keeper;
  const counters = head === undefined ? {} : { counters: head.counters, hash: head.hash };
  return makeReport(view, {
    ...facts(),
    plates,
    calibration: { revision: inForce?.revision ?? 0, ...counters },
  });
}

/** The report of a revision was made before it had its place in the chain. */
function withPlace({ report, revision, hash, counters, previous }: CalibrationRecord): object {
  const calibration = { revision, hash, counters, ...(previous === null ? {} : { previous: revision - 1 }) };
  return { ...(report as object), calibration };
}

function leaseOf({ session, expiresUs }: SessionView): PlainMap {
  return { session, expiresUs };
}

function plateOf(plates: readonly PlateEntry[], id: string): PlateEntry {
  const plate = plates.find((one) => one.id === id);
  if (plate !== undefined) return plate;
  const known = plates.map((one) => one.id).join(', ');
  throw new CalibrationError('CW-CAL-174', `there is no plate ${JSON.stringify(id)}; there are: ${known}`);
}

function weightsOf(weights: Args<'begin'>['weights']): readonly Weight[] {
  return weights.map(({ id, massMg, class: ofClass, certificate }) => ({
    id,
    massMg,
    ...(ofClass === undefined ? {} : { class: ofClass }),
    ...(certificate === undefined ? {} : { certificate }),
  }));
}

/** Whoever signed it; without a signature nobody in particular. */
function whoOf({ sender }: HandlerContext): Who {
  if (typeof sender !== 'object') return {};
  const { id, role, who } = sender;
  return { key: id, role, ...(who === undefined ? {} : { who }) };
}
