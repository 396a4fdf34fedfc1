import { toPpm } from '#base/units.ts';
import type { EventData } from '#events/catalog.ts';
import type { Learned } from './learned.ts';
import type { Posterior } from './posterior.ts';
import type {
  Alternative,
  Change,
  Evidence,
  Part,
  PendingScan,
  Ranked,
  SeenLook,
  WaitingScan,
} from './types.ts';

type ItemData = EventData<'item.added'>;

/** Most alternatives that an event names. */
const maximumAlternatives = 5;

/** Event fields hold whole numbers of µs from the start of the clock; after a reboot older times count as 0. */
const time = (us: number) => Math.max(0, Math.round(us));

interface Names {
  readonly gtin?: string;
  readonly plu?: string;
  readonly name?: string;
}

/** What names a product in an event. */
export function naming(product: Part['product']): Names {
  if (product === undefined) return {};
  return {
    ...(product.gtin === undefined ? {} : { gtin: product.gtin }),
    ...(product.plu === undefined ? {} : { plu: product.plu }),
    name: product.name,
  };
}

/** Explanations as an event lists them: one entry a product, best first, at most five. */
export function alternatives(ranked: readonly Ranked[], except?: Ranked): Alternative[] {
  const list: Alternative[] = [];
  for (const hypothesis of ranked) {
    if (hypothesis === except || hypothesis.kind !== 'items') continue;
    const probabilityPpm = toPpm(hypothesis.probability);
    if (probabilityPpm === 0) break;
    for (const part of hypothesis.parts) {
      if (part.product === undefined) continue;
      list.push({
        ...naming(part.product),
        count: part.sign * part.count,
        probabilityPpm,
        ...(part.broad ? {} : { expectedMg: part.sign * Math.round(part.meanMg) }),
      });
    }
    if (list.length >= maximumAlternatives) break;
  }
  return list.slice(0, maximumAlternatives);
}

/** The movements, scans and sightings that a decision rests on, or that there are to go on. */
export function evidenceOf(
  changes: readonly Change[],
  scans: readonly WaitingScan[],
  looks: readonly SeenLook[],
): Evidence {
  const movements = changes.flatMap((change) => change.movements);
  return {
    ...(movements.length === 0
      ? {}
      : {
          movements: movements.map((movement) => ({
            massMg: Math.round(movement.massMg),
            sigmaMg: Math.round(movement.sigmaMg),
            startedAtUs: time(movement.startedAtUs),
            settledAtUs: time(movement.settledAtUs),
            event: movement.event,
            ...(movement.certificateId === undefined ? {} : { certificateId: movement.certificateId }),
          })),
        }),
    ...(scans.length === 0
      ? {}
      : {
          scans: scans.map(({ scan }) => ({
            ...(scan.event === '' ? {} : { event: scan.event }),
            source: scan.source,
            atUs: time(scan.atUs),
            ...(scan.gtin === undefined ? {} : { gtin: scan.gtin }),
            ...(scan.plu === undefined ? {} : { plu: scan.plu }),
          })),
        }),
    ...(looks.length === 0
      ? {}
      : {
          sightings: looks.map((seen) => {
            const best = bestOf(seen);
            return {
              event: seen.event,
              source: seen.source,
              atUs: time(seen.atUs),
              ...(best === undefined ? {} : { look: best.look, probabilityPpm: best.probabilityPpm }),
            };
          }),
        }),
  };
}

/** Ids of the events that evidence names, each once. */
export function causesOf(evidence: Evidence, questions: readonly string[] = []): string[] {
  const ids = new Set<string>();
  for (const list of [evidence.movements, evidence.scans, evidence.sightings]) {
    for (const { event } of list ?? []) if (event !== undefined) ids.add(event);
  }
  for (const question of questions) ids.add(question);
  return [...ids];
}

/** The sightings that speak for a product of the hypothesis. */
export function supporting(looks: readonly SeenLook[], parts: readonly Part[]): SeenLook[] {
  const named = new Set(parts.map((part) => part.product?.look));
  return looks.filter(({ things }) =>
    things.some(({ candidates: [best], unknownPpm }) => {
      return best !== undefined && named.has(best.look) && best.probabilityPpm > unknownPpm;
    }),
  );
}

/** What a sighting is surest of, of all its things. */
function bestOf({ things }: SeenLook): SeenLook['things'][number]['candidates'][number] | undefined {
  const best = things.flatMap(({ candidates: [first] }) => first ?? []);
  return best.sort((a, b) => b.probabilityPpm - a.probabilityPpm)[0];
}

/** The prices that labels gave, for all units together. */
function labelPrice(part: Part): number | undefined {
  let sum = 0;
  for (const { scan } of part.scans) {
    if (scan.priceMinor === undefined) return undefined;
    sum += scan.priceMinor;
  }
  return part.scans.length === 0 ? undefined : sum;
}

/**
 * Certificate of the scale that itself indicated the mass by which goods are sold: one thing put in, weighed at once and
 * alone, beginning at the scale's zero. A difference of two indications, or a share of one, is no indication.
 */
function certificateOf(change: Change, part: Part, chosen: Ranked): string | undefined {
  const [movement, ...more] = change.movements;
  if (part.product?.sale !== 'weight' || part.sign < 0 || chosen.parts.length !== 1) return undefined;
  return more.length === 0 && movement?.indicated === true ? movement.certificateId : undefined;
}

/** Fields of an event about one part of a decided hypothesis. `massMg` is its signed share of the change. */
export function itemData(
  change: Change,
  part: Part,
  massMg: number,
  chosen: Ranked,
  result: Posterior,
  evidence: Evidence,
): ItemData {
  const priceMinor = labelPrice(part);
  const certificateId = certificateOf(change, part, chosen);
  return {
    ...naming(part.product),
    count: part.count,
    massMg,
    probabilityPpm: toPpm(chosen.probability),
    alternatives: alternatives(result.ranked, chosen),
    evidence,
    plate: change.plate,
    startedAtUs: time(change.startedAtUs),
    settledAtUs: time(change.settledAtUs),
    entry: part.entry,
    ...(priceMinor === undefined ? {} : { priceMinor }),
    ...(certificateId === undefined ? {} : { certificateId }),
  };
}

/** Fields of an event about a scan with nothing placed: nothing was weighed. */
export function scanData(pending: PendingScan, product: Part['product'], plate: string): ItemData {
  const { scan } = pending;
  return {
    ...naming(product),
    count: scan.count ?? 1,
    massMg: 0,
    probabilityPpm: toPpm(1),
    alternatives: [],
    evidence: evidenceOf([], [pending], []),
    plate,
    startedAtUs: time(scan.atUs),
    settledAtUs: time(scan.atUs),
    entry: scan.manual === true ? 'manual' : 'scan',
    ...(scan.priceMinor === undefined ? {} : { priceMinor: scan.priceMinor }),
  };
}

/** Fields that close a question without naming a product. */
export function closingData(change: Change, evidence: Evidence, probability: number): ItemData {
  return {
    count: 0,
    massMg: Math.round(change.massMg),
    probabilityPpm: toPpm(probability),
    alternatives: [],
    evidence,
    plate: change.plate,
    startedAtUs: time(change.startedAtUs),
    settledAtUs: time(change.settledAtUs),
    entry: 'weight',
  };
}

/** What a question about a scan with nothing placed lists. */
export function scanCandidate(pending: PendingScan, product: Part['product'], learned: Learned): Alternative {
  const unit = product === undefined ? undefined : learned.unitMass(product, pending.scan);
  const count = pending.scan.count ?? 1;
  return {
    ...naming(product),
    count,
    probabilityPpm: toPpm(1),
    ...(unit === undefined || unit.broad ? {} : { expectedMg: Math.round(unit.meanMg * count) }),
  };
}
