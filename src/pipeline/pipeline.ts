import { usPerMs } from '#base/units.ts';
import { Basket, type BasketSnapshot } from '#basket/basket.ts';
import { basketSchema } from '#config/basket.ts';
import type { EventData } from '#events/catalog.ts';
import type { CartEvent, Draft, Versions } from '#events/event.ts';
import type { Ledger } from '#events/ledger.ts';
import { Fusion } from '#fusion/fusion.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { ScanReading, TagReading } from '#readings/readings.ts';
import type { WeighingFault, WeighingOutput } from '#weighing/outputs.ts';
import { Weigher } from '#weighing/weigher.ts';
import { type CommandOutcome, runCommand } from './commands.ts';
import { OpenFaults, recalibratedInSession } from './faults.ts';
import type { PipelineInput } from './inputs.ts';
import type { PipelineOptions, PipelineState } from './options.ts';
import { isLoyaltyCode, type UnderstoodScan, understandScan, understandTag } from './scans.ts';
import { Shop, type Stock } from './shop.ts';
import { lookSeen } from './sightings.ts';
import { mostTags, TagMemory } from './tags.ts';
import { Trips } from './trips.ts';
import { Upkeep } from './upkeep.ts';
import { UtcClock } from './utc.ts';

export type { PipelineOptions, PipelineState } from './options.ts';

/** Fusion decides within `decideWithinMs` of settling, and then takes what was asked meanwhile, µs. */
const decidingMarginUs = 250_000;

/**
 * Readings in, events out. One instance is one device's decisions; the daemon and replay run this same code. It has no
 * clock and no I/O: inputs come in order of `atUs`, and what falls due between two inputs happens at its own time
 * before the later one, however late `accept` or `advance` is called.
 */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #ledger: Ledger;
  readonly #weigher: Weigher;
  readonly #fusion: Fusion;
  readonly #basket: Basket;
  readonly #utc = new UtcClock();
  readonly #shop: Shop;
  readonly #tags: TagMemory;
  readonly #faults: OpenFaults;
  readonly #trips: Trips;
  readonly #upkeep: Upkeep;
  /** Plates whose goods are a basket's. */
  readonly #cartPlates: ReadonlySet<string>;
  #nowUs = 0;
  /** When fusion is due next, µs; NaN where that may have changed. */
  #fusionDueUs = Number.NaN;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#ledger = options.ledger;
    this.#nowUs = options.startUs;
    const { catalogue, planogram } = options;
    this.#shop = new Shop({ catalogue, planogram }, options.tokenPattern);
    // Time waited before a restart counts; the time away doesn't.
    const rebaseUs = options.state === undefined ? 0 : options.startUs - options.state.atUs;
    this.#basket = new Basket({
      catalogue,
      config: options.basket ?? basketSchema.parse({}),
      salt: options.sessionSalt,
      emit: (draft) => this.#emit(draft).id,
      nowUs: () => this.#nowUs,
      today: () => this.#utc.dayIn(this.#shop.catalogue.timeZone ?? 'UTC', this.#nowUs),
      decideWithinUs: options.fusion.decideWithinMs * usPerMs + decidingMarginUs,
      state: options.state?.basket,
      rebaseUs,
    });
    this.#cartPlates = new Set(
      options.board.plates.filter(({ kind }) => kind === 'cart').map(({ id }) => id),
    );
    this.#faults = new OpenFaults(
      (draft) => this.#emit(draft),
      options.startUs,
      options.state?.faults,
      options.state?.atUs,
    );
    this.#weigher = new Weigher({
      plates: options.board.plates,
      calibration: options.calibration,
      config: options.weighing,
      gravityUmS2: options.gravityUmS2,
      sink: (output) => {
        this.#weighed(output);
        options.onWeighed?.(output);
      },
      onWeighable: (plate, weighable, atUs) => {
        this.#decide().unweighed.setWeighable(plate, weighable, atUs);
      },
      ...(options.state === undefined ? {} : { state: options.state.weighing }),
    });
    this.#fusion = new Fusion({
      catalogue,
      planogram,
      // A camera that sees a plate reads the codes of what comes and goes there.
      plates: options.board.plates.map((plate) => ({
        ...plate,
        scanners: [...plate.scanners, ...plate.cameras.map(({ id }) => id)],
      })),
      config: options.fusion,
      emit: (draft) => this.#decided(draft),
      onJudged: options.onJudged,
      ...(options.state === undefined
        ? {}
        : { state: options.state.fusion, rebaseUs, learned: options.state.learned }),
    });
    this.#tags = new TagMemory(options.fusion.forgetTagMs * usPerMs, options.state?.tags, options.startUs);
    this.#trips = new Trips({
      basket: this.#basket,
      weigher: this.#weigher,
      tags: this.#tags,
      decide: () => this.#decide(),
      nowUs: () => this.#nowUs,
      utcMs: () => this.#utcMs(),
      isLoyalty: (code) => isLoyaltyCode(code, options.loyaltyPattern),
      isMaintained: () => [...this.#cartPlates].some((plate) => this.#upkeep.isMaintained(plate)),
    });
    this.#upkeep = new Upkeep({
      board: options.board,
      weigher: () => this.#weigher,
      fusion: () => this.#decide(),
      stock: () => this.#shop.stock,
      emit: (draft) => this.#emit(draft),
      startUs: options.startUs,
      saved: options.state?.upkeep,
      rebaseUs,
    });
    if (this.#basket.session !== undefined) this.#weigher.setSession(true);
  }

  /** The sequence that the next event will bear. */
  get nextSequence(): number {
    return this.#ledger.nextSequence;
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  /** What events are decided with. */
  get versions(): Versions {
    return this.#ledger.versions;
  }

  /** Catalogue and planogram in force. */
  get stock(): Stock {
    return this.#shop.stock;
  }

  /** Changes whenever the snapshot would. */
  get basketMark(): string {
    return this.#basket.mark;
  }

  get session(): string | undefined {
    return this.#basket.session;
  }

  get weigher(): Pick<Weigher, 'status' | 'cellStatus' | 'saveState'> {
    return this.#weigher;
  }

  /** What staff work on. */
  get upkeep(): Pick<Upkeep, 'maintained' | 'owned'> {
    return this.#upkeep;
  }

  /** One conversion of one cell: the path that runs hundreds of times a second. */
  cell(source: string, atUs: number, counts: number, sequence: number): void {
    this.advance(atUs);
    this.#weigher.cell(source, atUs, counts, sequence);
    this.#restock();
  }

  /** Takes one input; a command answers with its outcome. Never throws for bad input. */
  accept(input: PipelineInput): CommandOutcome | undefined {
    this.advance(input.atUs);
    const outcome = this.#take(input);
    this.#restock();
    return outcome;
  }

  #take(input: PipelineInput): CommandOutcome | undefined {
    switch (input.kind) {
      case 'cell':
        this.#weigher.cell(input.source, input.atUs, input.counts, input.sequence);
        return undefined;
      case 'scale':
        this.#weigher.scale(input);
        return undefined;
      case 'motion':
        this.#weigher.motion(input);
        return undefined;
      case 'scan':
        this.#scanned(input);
        return undefined;
      case 'tag':
        this.#tagged(input);
        return undefined;
      case 'device-fault':
        this.#deviceFault(input.source, input.fault, input.atUs);
        return undefined;
      case 'sighting':
        this.#sighted(input);
        return undefined;
      case 'clock':
        this.#utc.synchronize(input.atUs, input.utcMs, input.quality);
        // The first one starts the waiting for devices that may never deliver anything.
        this.#weigher.advance(input.atUs);
        return undefined;
      case 'command':
        return runCommand(input, {
          basket: this.#basket,
          weigher: this.#weigher,
          fusion: this.#decide(),
          catalogue: this.#shop.catalogue,
          trips: this.#trips,
          upkeep: this.#upkeep,
        });
      case 'capacity':
        this.#trips.setFull(input.full);
        return undefined;
      case 'store':
        this.#shop.offer(input.stock, this.#nowUs);
        return undefined;
      case 'temperature':
        this.#weigher.temperature(input);
        return undefined;
      case 'calibration':
        this.#recalibrated(input);
        return undefined;
      case 'frame':
      case 'power':
      case 'position':
      case 'end':
        return undefined;
    }
  }

  /** Lets time pass to `toUs`: what falls due in weighing, fusion and faults fires in order, each at its own time. */
  advance(toUs: number): void {
    for (;;) {
      const weighing = this.#weigher.nextDeadlineUs() ?? Number.POSITIVE_INFINITY;
      const fusion = this.#fusionDeadline();
      const faults = this.#faults.dueUs;
      const basket = this.#basket.nextDeadlineUs();
      const upkeep = this.#upkeep.dueUs;
      const due = Math.min(weighing, fusion, faults, basket, upkeep, this.#shop.dueUs);
      if (due > toUs) break;
      this.#nowUs = Math.max(this.#nowUs, due);
      if (weighing === due) this.#weigher.advance(due);
      if (fusion === due) this.#decide().advance(due);
      if (faults === due) this.#faults.advance(due);
      if (basket === due) this.#trips.due(due);
      if (upkeep === due) this.#upkeep.advance(due);
      this.#restock();
    }
    if (toUs > this.#nowUs) this.#nowUs = toUs;
  }

  /** Puts another catalogue in force where one waits and the moment allows it: always between two decisions. */
  #restock(): void {
    if (!this.#shop.isWaiting) return;
    const { state } = this.#basket;
    const changed = this.#shop.adopt({
      nowUs: this.#nowUs,
      isDeciding: this.#fusion.isDeciding,
      trip: state === 'none' || state === 'checkout' ? state : 'other',
      held: () => [...this.#basket.products(), ...this.#fusion.held()],
    });
    if (!changed) return;
    const { catalogue, planogram } = this.#shop.stock;
    this.#decide().replaceStore(catalogue, planogram);
    this.#basket.replaceCatalogue(catalogue);
    const { planogram: _, ...versions } = this.#ledger.versions;
    this.#ledger.versions = {
      ...versions,
      catalogue: catalogue.version,
      ...(planogram === undefined ? {} : { planogram: planogram.version }),
    };
    this.#options.onStock?.(this.#shop.given);
  }

  /** Fusion, about to change: what it is due for next has to be asked anew. */
  #decide(): Fusion {
    this.#fusionDueUs = Number.NaN;
    return this.#fusion;
  }

  /** HOT PATH: asked for every sample, and fusion looks through all plates for the answer. */
  #fusionDeadline(): number {
    if (Number.isNaN(this.#fusionDueUs)) {
      this.#fusionDueUs = this.#fusion.nextDeadlineUs() ?? Number.POSITIVE_INFINITY;
    }
    return this.#fusionDueUs;
  }

  /** Puts an event of the gateway's own (birth, commands, drops) into the same row as the decisions. */
  append(draft: Draft): CartEvent {
    return this.#emit(draft);
  }

  snapshot(): BasketSnapshot | undefined {
    return this.#basket.snapshot(this.#ledger.identity.ledger, this.#ledger.nextSequence - 1);
  }

  openQuestions(): ReturnType<Fusion['openQuestions']> {
    return this.#fusion.openQuestions();
  }

  saveState(): PipelineState {
    return {
      atUs: this.#nowUs,
      weighing: this.#weigher.saveState(),
      fusion: this.#fusion.saveState(),
      basket: this.#basket.saveState(),
      tags: this.#tags.saveState(this.#nowUs, this.session !== undefined),
      faults: this.#faults.saveState(),
      learned: this.#fusion.saveLearned(),
      upkeep: this.#upkeep.saveState(),
    };
  }

  #emit(draft: Draft): CartEvent {
    const session = draft.session ?? this.#basket.session;
    const event = this.#ledger.append({ ...draft, session } as Draft, this.#utc.moment(this.#nowUs));
    this.#options.sink(event);
    return event;
  }

  #decided(draft: Draft): string {
    const event = this.#emit(draft);
    this.#basket.apply(event);
    if (event.type === 'item.added') this.#unweighed(event.id, event.data as EventData<'item.added'>);
    this.#upkeep.decided(event, this.#nowUs);
    return event.id;
  }

  /** A scan counts although nothing weighs its thing now: staff may want to look. */
  #unweighed(event: string, { evidence, plate, name }: EventData<'item.added'>): void {
    if (evidence.movements !== undefined || !this.#cartPlates.has(plate)) return;
    const what = { plate, event, ...(name === undefined ? {} : { name }) };
    this.#emit({
      type: 'basket.alert',
      data: { kind: 'unweighed', blocking: false, ...what },
      causes: [event],
    });
  }

  #weighed(output: WeighingOutput): void {
    // What staff do at a plate that they work on is nobody's purchase: it stays evidence.
    const isTheirs = this.#upkeep.weighed(output, this.#nowUs);
    switch (output.kind) {
      case 'movement': {
        const { plate, massMg, sigmaMg, beforeMg, afterMg, startedAtUs, settledAtUs, moving } = output;
        const certificate = output.certificateId === undefined ? {} : { certificateId: output.certificateId };
        const event = this.#emit({
          type: 'movement.settled',
          data: {
            plate,
            massMg,
            sigmaMg,
            beforeMg,
            afterMg,
            startedAtUs,
            settledAtUs,
            moving,
            ...certificate,
          },
        });
        if (isTheirs) break;
        if (this.#cartPlates.has(plate)) this.#basket.moved(massMg);
        this.#decide().observe({ kind: 'movement', event: event.id, atUs: this.#nowUs, movement: output });
        break;
      }
      case 'activity':
        if (isTheirs) break;
        if (this.#cartPlates.has(output.plate)) this.#basket.activity(output.plate, output.open);
        this.#decide().observe(output);
        break;
      case 'fault':
        this.#weighingFault(output);
        break;
    }
  }

  #weighingFault({ source, channel, fault, code, message, cleared }: WeighingFault): void {
    const where = channel ? { channel } : {};
    this.#faults.report(source, { fault, code, message, cleared, ...where }, this.#nowUs);
  }

  /** Weighing hears of every change at once; what is told of a device that flaps is bounded. */
  #deviceFault(source: string, fault: DeviceFault, atUs: number): void {
    this.#faults.report(source, fault, this.#nowUs);
    this.#weigher.fault(source, fault, atUs);
  }

  #scanned(reading: ScanReading): void {
    const rules = { ...this.#shop.rules, todayUtc: this.#utc.today(reading.atUs) };
    const codes = {
      isCoupon: (code: string) => this.#basket.service.isCoupon(code),
      isLoyalty: (code: string) => isLoyaltyCode(code, this.#options.loyaltyPattern),
    };
    this.#read(understandScan(reading, rules, this.#shop.catalogue, codes));
  }

  #tagged(reading: TagReading): void {
    const { source, epc, atUs } = reading;
    const sighting = this.#tags.sighted(epc, atUs, this.session !== undefined);
    if (sighting === 'new') this.#read(understandTag(reading, this.#shop.catalogue));
    if (sighting !== 'full') return;
    const message = `more than ${mostTags} radio tags are around ${source}, further ones are not looked at; make its field smaller (power, antennas, minimumRssiDbm)`;
    this.#faults.pulse(source, { fault: 'saturated', code: 'CW-PIP-010', message }, this.#nowUs);
  }

  #read(understood: UnderstoodScan): void {
    const event = this.#emit({ type: 'scan.read', data: understood.read });
    this.#basket.touch();
    if (understood.token !== undefined && !this.#trips.tokenScanned(understood.token, event.id)) {
      this.#emit({ type: 'basket.alert', data: { kind: 'refused', blocking: false }, causes: [event.id] });
    }
    const isOpen = this.#basket.state === 'open' || this.#basket.state === 'checkout';
    if (understood.coupon !== undefined && isOpen) this.#basket.service.coupon(understood.coupon, [event.id]);
    if (understood.loyalty === true && isOpen) this.#basket.service.recognize('scan', [event.id]);
    if (understood.observation !== undefined) {
      this.#decide().observe({ ...understood.observation, event: event.id });
    }
  }

  #recalibrated({ calibration, atUs }: Extract<PipelineInput, { kind: 'calibration' }>): void {
    this.#weigher.recalibrate(calibration, atUs);
    this.#ledger.versions = { ...this.#ledger.versions, calibration: calibration.revision };
    if (this.session !== undefined) this.#faults.pulse('calibration', recalibratedInSession, atUs);
  }

  #utcMs(): number | undefined {
    const { time, timeQuality } = this.#utc.moment(this.#nowUs);
    return timeQuality === 'unset' ? undefined : time;
  }

  #sighted(input: Extract<PipelineInput, { kind: 'sighting' }>): void {
    const event = this.#emit({ type: 'look.seen', data: lookSeen(input, this.#shop.catalogue) });
    this.#decide().observe({ ...input, event: event.id });
  }
}
