import { formatMass, usPerMs } from '#base/units.ts';
import type { Catalogue, Planogram, Product } from '#catalogue/products.ts';
import type { FusionConfig } from '#config/schema.ts';
import type { Movement } from '#weighing/outputs.ts';
import { Asking } from './asking.ts';
import { Book, type Judged, type Store } from './book.ts';
import { changeOf } from './changes.ts';
import { naming } from './drafts.ts';
import { FusionError } from './errors.ts';
import { Judge } from './judge.ts';
import type { Judgement } from './judgement.ts';
import { Learned, type LearnedProduct } from './learned.ts';
import type { UnitMass } from './likelihood.ts';
import { Memory, type PlateMemory, rebase } from './memory.ts';
import type { ListedScan, Observation, ScanObservation } from './observations.ts';
import { overrideQuestion } from './overriding.ts';
import { maximumScans } from './priors.ts';
import { Settling } from './settling.ts';
import { teach } from './teaching.ts';
import type {
  Content,
  FusionState,
  ItemDraft,
  OpenQuestion,
  PendingScan,
  PlateOptions,
  Question,
} from './types.ts';
import { Unweighed } from './unweighed.ts';

export { rebase } from './memory.ts';
export type { FusionState, ItemDraft, PlateOptions } from './types.ts';

export interface FusionOptions {
  readonly catalogue: Catalogue;
  readonly planogram: Planogram | undefined;
  readonly plates: readonly PlateOptions[];
  readonly config: FusionConfig;
  /** Stores a draft as an event and returns the event's id. */
  readonly emit: (draft: ItemDraft, atUs: number) => string;
  readonly state?: FusionState;
  /** Added to every time of `state`: the new clock's now minus the saved `atUs`. */
  readonly rebaseUs?: number;
  /** What was learned of products before. */
  readonly learned?: readonly LearnedProduct[] | undefined;
  /** Hears what each decision and question about a change was judged by, right after its event. */
  readonly onJudged?: ((judgement: Judgement) => void) | undefined;
}

/**
 * How long a pick on the display waits for its thing, ms. Shorter than a scan's hold: produce has no mass of its own, so
 * that a pick would claim whatever comes next.
 */
const pickHoldMs = 6_000;
/** What several measured takings of unloading may be off by in the end, mg. */
const unloadToleranceMg = 20_000;

/**
 * Observations in, item events out. Every movement of a plate is explained by hypotheses, and decided or asked about
 * within a second of settling. Pure: time comes with the observations and through `advance`.
 */
export class Fusion {
  readonly #memory: Memory;
  readonly #store: Store;
  readonly #config: FusionConfig;
  readonly #judge: Judge;
  readonly #book: Book;
  readonly #asking: Asking;
  readonly #settling: Settling;
  readonly #emit: FusionOptions['emit'];
  /** Goods on the word of a scan alone. */
  readonly unweighed: Unweighed;

  /** Throws CW-FUS-005 for a state of another format. */
  constructor(options: FusionOptions) {
    const { catalogue, planogram, config, emit } = options;
    this.#memory = new Memory(options.plates);
    const learned = new Learned(catalogue, config.learnedMassDays, options.learned);
    this.#store = { catalogue, planogram, learned };
    this.#config = config;
    this.#emit = emit;
    if (options.state !== undefined) this.#memory.restore(rebase(options.state, options.rebaseUs ?? 0));
    this.#judge = new Judge(this.#memory, this.#store, config);
    const { onJudged } = options;
    const judged: Judged = (event, change, result, chosen) =>
      onJudged?.(this.#judge.judgement(event, change, result, chosen));
    this.#book = new Book(this.#memory, this.#store, emit, () => config.scanHoldMs * usPerMs, judged);
    this.#asking = new Asking(this.#memory, learned, emit, judged);
    this.#settling = new Settling(this.#memory, this.#judge, this.#book, this.#asking, config);
    const tools = { store: this.#store, judge: this.#judge, asking: this.#asking, emit };
    this.unweighed = new Unweighed(this.#memory, tools, config);
  }

  /** Takes one observation, in order of time. Throws CW-FUS-001 for a plate that the board doesn't have. */
  observe(observation: Observation): void {
    // Evidence that comes at the very moment of a deadline still counts.
    this.advance(observation.atUs - 1);
    this.#memory.nowUs = Math.max(this.#memory.nowUs, observation.atUs);
    switch (observation.kind) {
      case 'scan':
        this.#scanned(observation);
        break;
      case 'movement':
        this.#moved(observation.event, observation.movement);
        break;
      case 'sighting': {
        const { kind: _, ...seen } = observation;
        this.#memory.looks.push(seen);
        this.#settling.retryWindows();
        break;
      }
      case 'activity': {
        const plate = this.#memory.plate(observation.plate);
        plate.openSinceUs = observation.open ? (plate.openSinceUs ?? observation.atUs) : undefined;
        if (!observation.open) this.#settling.rested(plate);
        break;
      }
    }
    this.#memory.prune();
  }

  /** Goods of an ended trip leave with the shopper: nobody is asked about what she bought. */
  #unloads(plate: PlateMemory, { massMg, sigmaMg }: Movement): boolean {
    if (plate.unloadMg === 0 || massMg >= 0) return false;
    const left = plate.unloadMg + massMg;
    if (left < -unloadToleranceMg - 4 * sigmaMg) return false;
    plate.unloadMg = left <= unloadToleranceMg + 4 * sigmaMg ? 0 : left;
    return true;
  }

  #moved(event: string, movement: Movement): void {
    const plate = this.#memory.plate(movement.plate);
    if (plate.options.kind === 'unweighed') return;
    if (this.#unloads(plate, movement)) return;
    if (this.unweighed.reckon(movement.plate, changeOf(event, movement))) return;
    this.#settling.settle(changeOf(event, movement));
  }

  #scanned(scan: ScanObservation): void {
    if (scan.product === undefined) {
      this.#scannedUnlisted(scan);
      return;
    }
    const listed = { ...scan, product: scan.product };
    const plates = this.#memory.platesOf(scan.source);
    if (!this.#store.catalogue.byKey.has(listed.product) || plates.length === 0) return;
    const holdMs =
      scan.manual === true ? Math.min(pickHoldMs, this.#config.scanHoldMs) : this.#config.scanHoldMs;
    const holdUntilUs = scan.atUs + holdMs * usPerMs;
    const pending: PendingScan = { scan: listed, plates, holdUntilUs };
    if (this.unweighed.takes(pending)) return;
    this.#makeRoom();
    this.#memory.overtake(plates);
    this.#memory.scans.push(pending);
    this.#settling.useScan(pending);
  }

  /** The next thing put in is likely one that nobody can name; nothing is asked where nothing is put in. */
  #scannedUnlisted(scan: ScanObservation): void {
    const memory = this.#memory;
    const plates = memory.platesOf(scan.source).filter((id) => memory.plate(id).options.kind === 'cart');
    if (plates.length === 0) return;
    memory.overtake(plates);
    if (this.#settling.namesNothing(plates)) return;
    const others = memory.unlisted.filter(
      ({ scan: { gtin, plu } }) => gtin !== scan.gtin || plu !== scan.plu,
    );
    const holdUntilUs = scan.atUs + this.#config.scanHoldMs * usPerMs;
    memory.unlisted = [...others, { scan, plates, holdUntilUs }].slice(-maximumScans);
  }

  /** Of too many scans at once the oldest is asked about; one that was asked about already is withdrawn. */
  #makeRoom(): void {
    const { scans } = this.#memory;
    if (scans.length < maximumScans) return;
    const fresh = scans.find((pending) => pending.question === undefined);
    if (fresh !== undefined && scans.length < 2 * maximumScans) {
      this.#askScan(fresh);
      return;
    }
    const oldest = scans[0];
    if (oldest !== undefined) this.#settling.withdraw(oldest);
  }

  #askScan(pending: PendingScan): void {
    this.#asking.askScan(pending, this.#store, this.#config.withdrawScanMs * usPerMs);
  }

  /** When something has to be decided or asked next, if nothing else happens. */
  nextDeadlineUs(): number | undefined {
    let next = this.unweighed.dueUs;
    for (const plate of this.#memory.plates.values()) {
      next = Math.min(next, plate.retryAtUs ?? Number.POSITIVE_INFINITY);
      for (const window of plate.windows) next = Math.min(next, this.#memory.windowDeadlineUs(plate, window));
    }
    for (const pending of this.#memory.scans) {
      if (pending.question === undefined) next = Math.min(next, this.#memory.scanDeadlineUs(pending));
    }
    for (const question of this.#memory.questions.values()) {
      next = Math.min(next, question.withdrawAtUs ?? Number.POSITIVE_INFINITY);
    }
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }

  /** Moves time to `toUs`; what is due on the way happens in order, each at its own time. */
  advance(toUs: number): void {
    for (;;) {
      const due = this.nextDeadlineUs();
      if (due === undefined || due > toUs) break;
      this.#memory.nowUs = Math.max(this.#memory.nowUs, due);
      this.#fire(due);
    }
    this.#memory.nowUs = Math.max(this.#memory.nowUs, toUs);
  }

  #fire(dueUs: number): void {
    if (this.unweighed.dueUs <= dueUs && this.unweighed.fire(dueUs)) return;
    for (const plate of this.#memory.plates.values()) {
      if ((plate.retryAtUs ?? Number.POSITIVE_INFINITY) > dueUs) continue;
      plate.retryAtUs = undefined;
      this.#settling.retryQuestions(plate.options.id);
      return;
    }
    if (this.#settling.closeWindow(dueUs)) return;
    const { scans, questions } = this.#memory;
    const lapsed = scans.find(
      (pending) => pending.question === undefined && this.#memory.scanDeadlineUs(pending) <= dueUs,
    );
    if (lapsed !== undefined) {
      if (this.#settling.useLapsed(lapsed)) return;
      // A pick that nothing followed is no promise to put something in, as a scanned thing in the hand is.
      const isOver = lapsed.scan.manual === true || lapsed.kept !== undefined;
      if (isOver) this.#memory.scans = scans.filter((pending) => pending !== lapsed);
      else this.#askScan(lapsed);
      return;
    }
    for (const question of questions.values()) {
      if ((question.withdrawAtUs ?? Number.POSITIVE_INFINITY) > dueUs) continue;
      const pending = scans.find((one) => one.question === question.event);
      if (pending === undefined) questions.delete(question.event);
      else this.#settling.withdraw(pending);
      return;
    }
  }

  /**
   * The shopper picked a product on the display: for the question `event`, else for the latest open question it
   * fits, else for the next movement. Throws CW-FUS-002 (no such product), 003 (no such question), 004 (its mass
   * contradicts the pick: nothing is charged).
   */
  identify(args: { product: string; count?: number; event?: string }, atUs: number): void {
    this.advance(atUs);
    const product = this.#store.catalogue.byKey.get(args.product);
    if (product === undefined) {
      throw new FusionError(
        'CW-FUS-002',
        `The catalogue ${this.#store.catalogue.version} has no product "${args.product}". Choose one of its products.`,
      );
    }
    const { gtin, plu } = naming(product);
    const scan: ListedScan = {
      kind: 'scan',
      event: '',
      source: 'display',
      atUs,
      product: product.key,
      manual: true,
      ...(gtin === undefined ? {} : { gtin }),
      ...(plu === undefined ? {} : { plu }),
      ...(args.count === undefined ? {} : { count: args.count }),
    };
    if (args.event === undefined) {
      this.#scanned(scan);
      return;
    }
    const question = this.#question(args.event);
    if (question.change === undefined) {
      throw new FusionError(
        'CW-FUS-003',
        'The question is about a scan that nothing was placed for: put the thing in, or answer "withdrawn".',
      );
    }
    if (!this.#settling.identify(question, scan)) {
      throw new FusionError(
        'CW-FUS-004',
        `A change of ${formatMass(question.change.massMg)} can't be ${args.count ?? 1} × ${product.name}. Scan it, or take it out.`,
        { details: { massMg: Math.round(question.change.massMg), product: product.key } },
      );
    }
  }

  /** A person's word that ends a question without an item. Throws CW-FUS-003. */
  answer(args: { event: string; outcome: 'not-an-item' | 'withdrawn' }, atUs: number): void {
    this.advance(atUs);
    const question = this.#question(args.event);
    const pending = this.#memory.scans.find((one) => one.question === question.event);
    if (question.change === undefined && pending !== undefined) this.#settling.withdraw(pending);
    else this.#book.dismiss(question, args.outcome);
  }

  /** Staff's word on a question: `count` units of a product, whatever the mass says. Throws CW-FUS-002 and 003. */
  override(args: { event: string; product: string; count: number }, atUs: number): void {
    this.advance(atUs);
    const question = this.#question(args.event);
    const product = this.#store.catalogue.byKey.get(args.product);
    if (product === undefined) {
      throw new FusionError(
        'CW-FUS-002',
        `The catalogue ${this.#store.catalogue.version} has no product "${args.product}". Choose one of its products.`,
      );
    }
    overrideQuestion(this.#memory, { question, product, count: args.count }, this.#emit);
  }

  #question(event: string): Question {
    const question = this.#memory.questions.get(event);
    if (question !== undefined) return question;
    throw new FusionError(
      'CW-FUS-003',
      `No question ${event} is open; it may have been settled. Ask for the open ones.`,
    );
  }

  /** Questions that wait for the shopper, oldest first. */
  openQuestions(): readonly OpenQuestion[] {
    return [...this.#memory.questions.values()].map(({ change, lot: _, ...question }) => ({
      ...question,
      massMg: Math.round(change?.massMg ?? 0),
    }));
  }

  /**
   * A plate was tared: what was put in before and asked about is a bag, or a child's seat. No later scan is of it; the question
   * stays until somebody answers it, lest a tare hide goods.
   */
  tared(plate: string): void {
    for (const question of this.#memory.questions.values()) {
      if (question.plate === plate && (question.change?.massMg ?? 0) > 0) question.tared = true;
    }
  }

  /** What is on a plate. Throws CW-FUS-001. */
  contents(plate: string): readonly Content[] {
    return this.#memory
      .plate(plate)
      .lots.map(({ product, massMg, count, event }) => ({ product, massMg, count, event }));
  }

  /** A trip begins: scans and questions of before are not its business. */
  beginSession(): void {
    for (const plate of this.#memory.plates.values()) plate.unloadMg = 0;
    this.#forgetTrip();
  }

  /**
   * A trip ends: undecided changes are asked about, then scans, questions and goods leave with the shopper. Only now do its
   * lines teach: what was a mistake has been taken out again.
   *
   * @param utcMs undefined while the clock is unset
   */
  endSession(atUs: number, utcMs?: number): void {
    this.advance(atUs);
    while (this.#settling.closeWindow(Number.POSITIVE_INFINITY));
    this.#learn(utcMs);
    for (const plate of this.#memory.plates.values()) {
      if (plate.options.kind === 'shelf') continue;
      plate.unloadMg = Math.max(
        0,
        plate.lots.reduce((sum, lot) => sum + lot.massMg, 0),
      );
      plate.lots = [];
    }
    this.#forgetTrip();
  }

  #learn(utcMs: number | undefined): void {
    if (teach(this.#memory, this.#store.learned, utcMs)) this.#judge.reindex();
  }

  /** What was learned of products' masses. */
  massesLearned(): readonly LearnedProduct[] {
    return this.#store.learned.save().filter(({ mass }) => mass !== undefined);
  }

  /** Forgets what was learned of a product's mass (by its key), or of all; how many were forgotten. */
  forgetMasses(product?: string): number {
    const count = this.#store.learned.forget(product);
    if (count > 0) this.#judge.reindex();
    return count;
  }

  /** What one unit of a product weighs. */
  unitMass(product: Product): UnitMass {
    return this.#store.learned.unitMass(product);
  }

  /** Staff have tidied up a plate: what lay there astray, and what was asked about it, is settled. */
  tidied(plate: string): void {
    const asked = [...this.#memory.questions.values()].filter((question) => question.plate === plate);
    for (const question of asked) if (question.change) this.#book.dismiss(question, 'not-an-item');
    this.#memory.plate(plate).lots = [];
  }

  #forgetTrip(): void {
    const cart = (id: string) => this.#memory.plates.get(id)?.options.kind !== 'shelf';
    this.#memory.scans = this.#memory.scans.filter((pending) => !pending.plates.some(cart));
    this.#memory.unlisted = [];
    for (const [event, question] of this.#memory.questions) {
      if (!cart(question.plate)) continue;
      this.#memory.questions.delete(event);
      for (const lot of this.#memory.plate(question.plate).lots)
        if (lot.question === event) delete lot.question;
    }
  }

  /** Something moves on a plate, or waits to be decided on. HOT PATH: asked after every input. */
  get isDeciding(): boolean {
    for (const { openSinceUs, windows } of this.#memory.plates.values()) {
      if (openSinceUs !== undefined || windows.length > 0) return true;
    }
    return false;
  }

  /** Keys of products that lie on plates, or whose scan waits for its thing. */
  held(): readonly string[] {
    const lots = [...this.#memory.plates.values()].flatMap((plate) => plate.lots);
    return [
      ...lots.flatMap(({ product }) => product ?? []),
      ...this.#memory.scans.map(({ scan }) => scan.product),
    ];
  }

  /** A new catalogue or planogram, from now on. */
  replaceStore(catalogue: Catalogue, planogram: Planogram | undefined): void {
    this.#store.catalogue = catalogue;
    this.#store.planogram = planogram;
    this.#store.learned.replaceCatalogue(catalogue);
    this.#judge.reindex();
  }

  /** Everything that must survive a restart, as plain JSON. */
  saveState(): FusionState {
    return this.#memory.save();
  }

  /** What was learned of products, as plain JSON; the same array while nothing new is learned. */
  saveLearned(): readonly LearnedProduct[] {
    return this.#store.learned.save();
  }
}
