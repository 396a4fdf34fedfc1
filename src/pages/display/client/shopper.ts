import type { DisplaySettings, DisplayState, DisplayUpdate, Outcome, ShownProduct } from '../source.ts';
import type { Acts } from './acts.ts';
import { byId } from './dom.ts';
import { Language } from './language.ts';
import { noFinding, type Page, type View } from './page.ts';
import { draw } from './screen.ts';
import { Tones } from './tone.ts';
import { questionAloud } from './views/question.ts';
import { totalMinor } from './views/receipt.ts';
import type { Sentence } from './words/words.ts';

/** What was opened and is no longer looked at goes back to the receipt, ms. */
const idleMs = 60_000;
const noteMs = 8_000;
const longestText = 24;
/**
 * Refusals that have words of their own: the pick contradicts the weight, is too late, something still moves, or nothing
 * counts as lying there on the word of a scan.
 */
const refusals: Readonly<Record<string, Sentence>> = {
  'CW-FUS-004': 'contradicts',
  'CW-FUS-003': 'tooLate',
  'CW-FUS-006': 'notTakenOff',
  'CW-BSK-010': 'moving',
  'CW-PIP-007': 'fullTrouble',
};

type Data = Readonly<Record<string, string | undefined>>;
type Command = readonly [name: string, args?: Readonly<Record<string, unknown>>];

/** What the shopper sees and does: keeps what is opened, carries out what is touched, says what happens. */
export class Shopper {
  readonly #acts: Acts;
  readonly #tones = new Tones();
  #page: Page | undefined;
  #catalogue = '';
  #produce: readonly ShownProduct[] = [];
  #idle: ReturnType<typeof setTimeout> | undefined;
  #noted: ReturnType<typeof setTimeout> | undefined;

  constructor(acts: Acts) {
    this.#acts = acts;
  }

  /** The first word of a connection. Language and sound of a trip that goes on are kept. */
  begin(settings: DisplaySettings, state: DisplayState): void {
    const before = this.#page;
    const same = before !== undefined && before.state.basket?.session === state.basket?.session;
    this.#page = {
      settings,
      state,
      language: same ? before.language : new Language(settings.languages[0] ?? 'en'),
      sound: same ? before.sound : settings.tones,
      view: same ? before.view : 'trip',
      produce: this.#produce,
      finding: same ? before.finding : noFinding,
      lost: false,
      ...(same && before.line !== undefined ? { line: before.line } : {}),
    };
    this.#load(state);
    this.#draw();
  }

  lost(): void {
    this.#change({ lost: true });
  }

  hear(update: DisplayUpdate): void {
    const page = this.#page;
    if (page === undefined) return;
    if (update.kind === 'weight') this.#change({ state: { ...page.state, weight: update.weight } });
    else if (update.kind === 'state') this.#stateChanged(page, update.state);
    else if (page.sound) this.#tones.play(update.type);
    if (update.kind === 'event') this.#sayLine(update);
  }

  /** Somebody is there: nothing goes away under their hands. */
  awake(): void {
    if (this.#page?.sound === true) this.#tones.unlock();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#open('trip'), idleMs);
  }

  /** A keyboard of the cart, or of whoever can't touch, types into the look-up; Escape goes back. */
  typed({ key, ctrlKey, altKey, metaKey }: KeyboardEvent): void {
    const page = this.#page;
    if (page === undefined || ctrlKey || altKey || metaKey) return;
    if (key === 'Escape') this.#open('trip');
    if (page.view !== 'find' || !page.finding.typing) return;
    if (key === 'Backspace') this.#type('erase');
    else if (/^[\p{L}\p{N}]$/u.test(key)) this.#type(key);
  }

  touched(act: string, data: Data): void {
    const page = this.#page;
    if (page === undefined || page.lost) return;
    this.#forgetNote();
    if (this.#opens(page, act, data)) return;
    const command = commandOf(act, data);
    if (command !== undefined) void this.#do(command, act, data);
  }

  /** What changes the screen alone. */
  #opens(page: Page, act: string, data: Data): boolean {
    const { finding, language, state } = page;
    switch (act) {
      case 'find':
        this.#change({ view: 'find', finding: noFinding });
        return true;
      case 'find-answer':
        this.#change({ view: 'find', finding: { ...noFinding, ...eventOf(data) } });
        return true;
      case 'type':
        this.#change({ finding: { ...finding, typing: true } });
        return true;
      case 'type-end':
        this.#change({ finding: { ...finding, typing: false, text: '' } });
        return true;
      case 'key':
        this.#type(data.value ?? '');
        return true;
      case 'offers':
      case 'settings':
      case 'end':
        this.#open(act);
        return true;
      case 'line':
        this.#change({ view: 'line', line: Number(data.line) });
        return true;
      case 'back':
        this.#open('trip');
        return true;
      case 'language':
        this.#change({ language: new Language(data.code ?? language.code) });
        return true;
      case 'sound':
        this.#change({ sound: !page.sound });
        return true;
      case 'pay':
        if ((state.basket?.totals.open ?? 0) === 0) return false;
        this.#open('pay');
        return true;
      default:
        return false;
    }
  }

  async #do(command: Command, act: string, data: Data): Promise<void> {
    const [name, args] = command;
    const picked = act === 'pick' ? this.#product(data) : undefined;
    const event = this.#page?.finding.event;
    const fromMg = this.#page?.state.weight?.netMg;
    const answering = picked !== undefined && event !== undefined;
    const outcome = answering
      ? await this.#acts.do('item.answer', { ...args, event })
      : await this.#acts.do(name, args);
    if (outcome?.status !== 'done') {
      this.#note(whyNot(outcome), true);
      return;
    }
    if (answering) this.#open('trip');
    else if (picked !== undefined) {
      const finding = {
        ...noFinding,
        picked: { product: picked, ...(fromMg === undefined ? {} : { fromMg }) },
      };
      this.#change({ view: 'find', finding });
    } else if (closing.has(act)) this.#open('trip');
    if (answering || name === 'item.answer' || name === 'item.place') this.#note('answered', false);
  }

  #product({ gtin, plu }: Data): ShownProduct | undefined {
    return this.#produce.find((one) => (gtin === undefined ? one.plu === plu : one.gtin === gtin));
  }

  #stateChanged(page: Page, state: DisplayState): void {
    const [before, now] = [page.state.basket, state.basket];
    const asked = state.questions.filter(
      ({ event }) => !page.state.questions.some((known) => known.event === event),
    );
    // A new trip, or none: nothing of the last shopper's is left on the screen.
    if (before?.session !== now?.session && before !== undefined) {
      const language = new Language(page.settings.languages[0] ?? 'en');
      this.#change({ state, language, sound: page.settings.tones, view: 'trip', finding: noFinding });
    } else if (before?.state !== now?.state) this.#change({ state, view: 'trip', finding: noFinding });
    else this.#change({ state });
    const latest = asked.at(-1);
    if (latest !== undefined)
      byId('asked').textContent = questionAloud(latest, page.language, state.rack !== undefined);
    else if (state.questions.length === 0) byId('asked').textContent = '';
    this.#load(state);
  }

  /** What was put in or taken out, for those who hear the screen: once a thing, with the total as it stands then. */
  #sayLine({ type, name, count = 1 }: Extract<DisplayUpdate, { kind: 'event' }>): void {
    const page = this.#page;
    const basket = page?.state.basket;
    if (page === undefined || basket === undefined || name === undefined) return;
    if (type !== 'added' && type !== 'removed') return;
    const { language } = page;
    const what = count === 1 ? name : language.say('candidate', { count: String(count), name });
    const total = language.money(totalMinor(basket), basket.totals.currency);
    byId('said').textContent = language.say(type, { what, total });
  }

  #type(value: string): void {
    const finding = this.#page?.finding;
    if (finding === undefined) return;
    const text =
      value === 'erase'
        ? [...finding.text].slice(0, -1).join('')
        : (finding.text + value).slice(0, longestText);
    this.#change({ finding: { ...finding, text } });
  }

  #load({ catalogue }: DisplayState): void {
    if (catalogue === this.#catalogue) return;
    this.#catalogue = catalogue;
    fetch('api/produce')
      .then(async (response) => {
        if (!response.ok) throw new Error(response.statusText);
        this.#produce = (await response.json()) as readonly ShownProduct[];
        this.#change({ produce: this.#produce });
      })
      // Asked for again with the next state.
      .catch(() => {
        this.#catalogue = '';
      });
  }

  #open(view: View): void {
    const { line: _line, ...page } = this.#page ?? {};
    if (this.#page === undefined) return;
    this.#page = { ...(page as Page), view, finding: noFinding };
    this.#draw();
  }

  #note(sentence: Sentence, bad: boolean): void {
    this.#change({ note: { sentence, bad } });
    if (bad && this.#page?.sound === true) this.#tones.play('refused');
    clearTimeout(this.#noted);
    this.#noted = setTimeout(() => this.#forgetNote(), noteMs);
  }

  #forgetNote(): void {
    if (this.#page?.note === undefined) return;
    const { note: _note, ...page } = this.#page;
    this.#page = page;
    this.#draw();
  }

  #change(change: Partial<Page>): void {
    if (this.#page === undefined) return;
    this.#page = { ...this.#page, ...change };
    this.#draw();
  }

  #draw(): void {
    if (this.#page !== undefined) draw(this.#page);
  }
}

/** After these the receipt is to be seen again. */
const closing: ReadonlySet<string> = new Set([
  'line-dispute',
  'line-mine',
  'line-off',
  'end-sure',
  'close',
  'pay-anyway',
]);

/** What a touch asks of the gateway. */
function commandOf(act: string, data: Data): Command | undefined {
  const product = { ...(data.gtin === undefined ? { plu: data.plu } : { gtin: data.gtin }) };
  const line = Number(data.line);
  const { event } = data;
  switch (act) {
    case 'begin':
      return ['session.begin'];
    case 'choose':
      return ['item.answer', { event, ...product, count: Number(data.count) }];
    case 'not-goods':
      return ['item.answer', { event, outcome: 'not-an-item' }];
    case 'dont-want':
      return ['item.answer', { event, outcome: 'withdrawn' }];
    case 'on-rack':
      return ['item.place', { event, plate: data.plate }];
    case 'line-off':
      return ['item.remove', product];
    case 'pick':
      return ['item.identify', product];
    case 'line-dispute':
      return ['line.dispute', { line }];
    case 'line-mine':
      return ['line.dispute', { line, over: true }];
    case 'call':
      return ['basket.help'];
    case 'help-over':
      return ['basket.help', { over: true }];
    case 'pay':
    case 'pay-anyway':
      return ['basket.checkout'];
    case 'pay-back':
      return ['checkout.cancel'];
    case 'resume':
      return ['basket.resume'];
    case 'close':
    case 'end-sure':
      return ['session.end'];
    case 'phone-stop':
      return ['phone.stop'];
    default:
      return undefined;
  }
}

function eventOf({ event }: Data): { readonly event?: string } {
  return event === undefined ? {} : { event };
}

function whyNot(outcome: Outcome | undefined): Sentence {
  if (outcome?.status !== 'refused') return 'failed';
  return refusals[outcome.code] ?? 'failed';
}
