import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { Product } from '#catalogue/products.ts';
import type { CartEvent } from '#events/event.ts';
import type { Infer } from '#events/fields.ts';
import { offersPayload } from '#events/mqtt-payloads.ts';
import type {
  DisplaySettings,
  DisplaySource,
  DisplayState,
  DisplayUpdate,
  Outcome,
  ShownProduct,
  ShownQuestion,
  ShownWeight,
} from '#pages/display/source.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { chooseDeals } from './deals.ts';
import { Happenings } from './display-happenings.ts';
import { cameraState, troublesOf } from './display-health.ts';
import type { Gateway } from './gateway.ts';
import { GatewayPhone, type PhoneGateway } from './phone.ts';
import type { ProductPictures } from './product-pictures.ts';
import type { GatewaySetup } from './setup.ts';

const weightEveryUs = 100_000;
/** Devices, cameras and link have no events of their own that would cover all of it: they are looked at so often. */
const healthEveryUs = 500_000;
/** What is touched is done at once, or not any more. */
const validMs = 60_000;
const fallbackDivisionMg = 1_000;
/** So many touches that disconnect phones are remembered: a page repeats one at most until it has the answer. */
const mostStops = 64;

/** What of the gateway the display shows and does. */
export interface DisplayGateway extends PhoneGateway {
  readonly pipeline: Pick<
    Gateway['pipeline'],
    'session' | 'snapshot' | 'stock' | 'weigher' | 'openQuestions'
  >;
  readonly uplink: Pick<Gateway['uplink'], 'subscribe' | 'publish' | 'status'>;
  readonly devices: Pick<Gateway['devices'], 'reports'>;
  readonly measurements: Pick<Gateway['measurements'], 'of'>;
  readonly vision: Pick<Gateway['vision'], 'health'>;
  readonly desk: Pick<Gateway['desk'], 'handle'>;
  readonly timeQuality: Gateway['timeQuality'];
}

export interface GatewayDisplayOptions {
  readonly gateway: DisplayGateway;
  readonly setup: Pick<GatewaySetup, 'board' | 'config' | 'tokenPattern'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pictures: Pick<ProductPictures, 'file' | 'nameOf'>;
}

/** The gateway as the shopper's display sees it, and who carries out what is touched there. */
export class GatewayDisplay implements DisplaySource {
  readonly settings: DisplaySettings;
  readonly #options: GatewayDisplayOptions;
  readonly #listeners = new Set<(update: DisplayUpdate) => void>();
  readonly #happenings = new Happenings();
  readonly #stops: (() => void)[];
  /** Where phones can join. */
  readonly #phone: GatewayPhone | undefined;
  /** Transactions that disconnected phones. */
  readonly #phoneStops = new Set<string>();
  #cancels: (() => void)[] = [];
  #offers: Infer<typeof offersPayload> | undefined;
  /** What was shown last, but for its time and weight: told again only where it differs. */
  #shown = '';
  #weight = '';

  constructor(options: GatewayDisplayOptions) {
    this.#options = options;
    const { languages, pixelsPerInch, tones } = options.setup.config.display;
    this.settings = { languages, pixelsPerInch, tones };
    const { gateway } = options;
    this.#phone = this.#openPhone();
    this.#stops = [
      gateway.bus.on('events', (events) => this.#happened(events)),
      gateway.uplink.subscribe('_store/offers', (_topic, payload) => this.#offered(payload)),
    ];
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#phone?.close();
    this.#listeners.clear();
    this.#pause();
  }

  subscribe(listener: (update: DisplayUpdate) => void): () => void {
    this.#listeners.add(listener);
    if (this.#cancels.length === 0) this.#resume();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#pause();
    };
  }

  state(): DisplayState {
    const { gateway, setup, clock } = this.#options;
    const { catalogue } = gateway.pipeline.stock;
    const basket = gateway.pipeline.snapshot();
    const weight = this.#weightNow();
    const reports = gateway.devices.reports();
    const vision = gateway.vision.health();
    const batteryPpm = reports
      .map(({ id }) => gateway.measurements.of(id))
      .find((measured) => measured?.batteryPpm !== undefined && measured.externalPower !== true)?.batteryPpm;
    const { connected, ledgerFull } = gateway.uplink.status();
    const joined = this.#phone?.shown();
    const rack = setup.board.plates.find(({ kind }) => kind === 'unweighed')?.id;
    return {
      device: setup.config.device,
      atUs: clock.nowUs(),
      catalogue: catalogue.version,
      currency: catalogue.currency,
      ...(basket === undefined ? {} : { basket }),

      questions: basket === undefined ? [] : this.#questions(),
      ...(weight === undefined ? {} : { weight }),
      ...(rack === undefined ? {} : { rack }),
      camera: cameraState(reports, vision, setup.config.vision.enabled),
      troubles: troublesOf({
        reports,
        cells: gateway.pipeline.weigher.cellStatus(),
        full: ledgerFull && basket === undefined,
        batteryPpm,
      }),
      ...(batteryPpm === undefined ? {} : { batteryPpm }),
      connected,
      ...this.#happenings.state(basket?.state),
      deals: chooseDeals(this.#offers, {
        catalogue,
        basket,
        utcMs: gateway.timeQuality === 'unset' ? undefined : clock.utcMs(),
        pictureOf: (key) => this.#picture(this.#product(key, key)),
      }),
      ...(joined === undefined || basket === undefined ? {} : { phone: joined }),
    };
  }

  /** What has no bar code: everything with a look-up code. */
  produce(): readonly ShownProduct[] {
    const { products } = this.#options.gateway.pipeline.stock.catalogue;
    return products.filter(({ plu }) => plu !== undefined).map((product) => this.#show(product));
  }

  pictureFile(name: string): string | undefined {
    return this.#options.pictures.file(name);
  }

  async act(command: string, args: Readonly<Record<string, unknown>>, transaction: string): Promise<Outcome> {
    const { gateway, clock } = this.#options;
    const basket = gateway.pipeline.snapshot();
    if (command === 'phone.stop') {
      this.#stopPhone(transaction);
      return { status: 'done', data: {} };
    }
    // Leaving with goods that nobody paid for is for staff and till to end.
    if (
      command === 'session.end' &&
      (basket?.state === 'open' || basket?.state === 'suspended') &&
      basket.totals.items + basket.totals.open > 0
    ) {
      return {
        status: 'refused',
        code: 'CW-PAG-007',
        message: 'the basket is not empty: take everything out first',
      };
    }
    const issued = clock.utcMs();
    const answer = await gateway.desk.handle({
      command,
      request: { transaction: `display-${transaction}`, issued, expires: issued + validMs, args },
      retained: false,
    });
    const { transaction: _transaction, ...outcome } = answer;
    return outcome;
  }

  /** A touch that is repeated, as its answer was lost, doesn't throw out who joined by the new code. */
  #stopPhone(transaction: string): void {
    if (this.#phoneStops.has(transaction)) return;
    this.#phoneStops.add(transaction);
    for (const oldest of this.#phoneStops) {
      if (this.#phoneStops.size <= mostStops) break;
      this.#phoneStops.delete(oldest);
    }
    this.#phone?.stop();
  }

  #happened(events: readonly CartEvent[]): void {
    const updates = events.flatMap((event) => this.#happenings.take(event) ?? []);
    this.#tellState();
    for (const update of updates) this.#tell(update);
  }

  #offered(payload: Uint8Array): void {
    try {
      this.#offers = payload.length === 0 ? undefined : decodePayload(offersPayload, payload);
    } catch (error) {
      this.#options.log.warn({ err: describeError(error) }, 'the offers of the store can not be read');
      return;
    }
    this.#tellState();
  }

  #resume(): void {
    const { clock } = this.#options;
    const repeat = (periodUs: number, index: number, action: () => void) => {
      this.#cancels[index] = clock.after(periodUs, () => {
        action();
        if (this.#listeners.size > 0) repeat(periodUs, index, action);
      });
    };
    repeat(weightEveryUs, 0, () => this.#tellWeight());
    repeat(healthEveryUs, 1, () => this.#tellState());
  }

  #pause(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
  }

  #tellState(): void {
    if (this.#listeners.size === 0) return;
    const state = this.state();
    const shown = JSON.stringify({ ...state, atUs: 0, weight: undefined });
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#tell({ kind: 'state', state });
  }

  #tellWeight(): void {
    const weight = this.#weightNow();
    if (weight === undefined) return;
    const shown = JSON.stringify(weight);
    if (shown === this.#weight) return;
    this.#weight = shown;
    this.#tell({ kind: 'weight', atUs: this.#options.clock.nowUs(), weight });
  }

  #tell(update: DisplayUpdate): void {
    for (const listener of this.#listeners) listener(update);
  }

  /** Of the first plate of a cart that is weighed, rounded to its interval: a display must not flicker. */
  #weightNow(): ShownWeight | undefined {
    const { gateway, setup } = this.#options;
    const plate = setup.board.plates.find(({ kind }) => kind === 'cart');
    if (plate === undefined) return undefined;
    const { grossMg, tareMg, stable } = gateway.pipeline.weigher.status(plate.id);
    const divisionMg = plate.divisionMg ?? plate.intervalMg ?? fallbackDivisionMg;
    const rounded = (mg: number) => Math.round(mg / divisionMg) * divisionMg;
    return { stable, divisionMg, ...(grossMg === undefined ? {} : { netMg: rounded(grossMg - tareMg) }) };
  }

  #questions(): ShownQuestion[] {
    return this.#options.gateway.pipeline.openQuestions().map(({ event, kind, ask, massMg, candidates }) => ({
      event,
      kind,
      ask,
      massMg,
      candidates: candidates.map(({ gtin, plu, name, count, expectedMg }) => {
        const product = this.#product(gtin, plu);
        const shown =
          product === undefined
            ? {
                name: name ?? gtin ?? plu ?? '',
                sale: 'each' as const,
                ...(gtin === undefined ? {} : { gtin }),
                ...(plu === undefined ? {} : { plu }),
              }
            : this.#show(product);
        return { ...shown, count, ...(expectedMg === undefined ? {} : { massMg: Math.abs(expectedMg) }) };
      }),
    }));
  }

  #product(gtin: string | undefined, plu: string | undefined): Product | undefined {
    const { byGtin, byPlu } = this.#options.gateway.pipeline.stock.catalogue;
    return (
      (gtin === undefined ? undefined : byGtin.get(gtin)) ?? (plu === undefined ? undefined : byPlu.get(plu))
    );
  }

  #show(product: Product): ShownProduct {
    const { gtin, plu, name, sale, priceMinor, priceMinorPerKg } = product;
    const price = sale === 'weight' ? priceMinorPerKg : priceMinor;
    const picture = this.#picture(product);
    return {
      name,
      sale,
      ...(gtin === undefined ? {} : { gtin }),
      ...(plu === undefined ? {} : { plu }),
      ...(price === undefined ? {} : { priceMinor: price }),
      ...(picture === undefined ? {} : { picture }),
    };
  }

  #picture(product: Product | undefined): string | undefined {
    const name = product === undefined ? undefined : this.#options.pictures.nameOf(product);
    return name === undefined ? undefined : `api/pictures/${name}`;
  }

  #openPhone(): GatewayPhone | undefined {
    const { gateway, setup, clock, log } = this.#options;
    const { phone } = setup.config.display;
    if (phone === undefined) return undefined;
    const { store, device } = setup.config;
    return new GatewayPhone({
      ...phone,
      gateway,
      clock,
      log,
      store,
      device,
      tokenPattern: setup.tokenPattern,
      onChange: () => this.#tellState(),
    });
  }
}
