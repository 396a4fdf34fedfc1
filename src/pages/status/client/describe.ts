import type { EventView } from '../source.ts';
import { change, money, plural, unbroken } from './format.ts';

/** An event in words. What a newer gateway adds and this page does not know is shown by its type. */
export interface Line {
  readonly icon: string;
  readonly tone: 'added' | 'removed' | 'asked' | 'settled' | 'fault' | 'plain';
  /** A decision or a state, not evidence for one. */
  readonly decision: boolean;
  readonly what: string;
  /** Product or device. */
  readonly subject?: string;
  readonly count?: number;
  readonly massMg?: number;
  readonly probabilityPpm?: number;
  readonly total?: string;
  /** A second line: what is asked, what is to be done. */
  readonly detail?: string;
}

type Data = Readonly<Record<string, unknown>>;
const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
const integer = (value: unknown) => (typeof value === 'number' ? value : undefined);
const lookWords: Readonly<Record<string, string>> = {
  'nothing-changed': 'No change seen',
  'hand-only': 'Only a hand seen',
};
const object = (value: unknown): Data =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Data) : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const texts = (value: unknown) => list(value).flatMap((one) => text(one) ?? []);

const questions: Readonly<Record<string, string>> = {
  'scan-it': 'Please scan it.',
  choose: 'Which of these is it?',
  'take-it-out': 'Please take it out again.',
  'put-it-back': 'Please put it back.',
  'place-it': 'Please put it into the basket.',
  'call-staff': 'Staff has been called.',
};
const unresolved: Readonly<Record<string, string>> = {
  'unknown-added': 'Something unknown was put in',
  'unknown-removed': 'Something unknown was taken out',
  ambiguous: 'More than one product fits',
  mixed: 'Several things moved at once',
  'scanned-not-placed': 'Scanned, not placed',
  'changed-while-away': 'The basket changed while the gateway was down',
};

const outcomes: Readonly<Record<string, string>> = {
  added: 'put in',
  removed: 'taken out',
  'put-back': 'put back',
  withdrawn: 'withdrawn',
  'not-an-item': 'not an item',
};

/** What the shopper is asked, as a sentence. */
export function question(ask: string): string {
  return questions[ask] ?? ask;
}

/** What could not be decided, in words. */
export function undecided(kind: string): string {
  return unresolved[kind] ?? kind;
}

/** What names a product: its name in the catalogue, else its number. */
export function productName(data: Data): string | undefined {
  const number = text(data.gtin) ?? text(data.plu);
  const name = text(data.name);
  if (name !== undefined) return unbroken(name);
  return number === undefined ? undefined : `product ${number}`;
}

function candidates(value: unknown): string {
  const names = list(value)
    .map((one) => productName(object(one)))
    .filter((name) => name !== undefined);
  return names.length === 0 ? '' : ` Candidates: ${names.slice(0, 3).join(', ')}.`;
}

/** The basket's total after an event: `€12.34`, with what is not final yet. */
export function totalOf(value: unknown): string | undefined {
  const totals = object(value);
  const currency = text(totals.currency);
  if (currency === undefined) return undefined;
  return money((integer(totals.finalMinor) ?? 0) + (integer(totals.estimateMinor) ?? 0), currency);
}

function item(data: Data): Partial<Line> {
  const [subject, count, massMg, probabilityPpm] = [
    productName(data),
    integer(data.count),
    integer(data.massMg),
    integer(data.probabilityPpm),
  ];
  return {
    ...(subject === undefined ? {} : { subject }),
    ...(count === undefined ? {} : { count }),
    ...(massMg === undefined || massMg === 0 ? {} : { massMg }),
    ...(probabilityPpm === undefined ? {} : { probabilityPpm }),
  };
}

type Describe = (data: Data) => Partial<Line> & { what: string };

const updateOf = (what: string, data: Data) => ({
  icon: 'command' as const,
  decision: false,
  what,
  subject: text(data.version) ?? '',
  ...(text(data.why) === undefined ? {} : { detail: `${text(data.code) ?? ''} ${text(data.why) ?? ''}` }),
});

/** Of the types whose line is more than an item with a verb. */
const described: Readonly<Record<string, Describe>> = {
  'item.added': (data) => ({ icon: 'added', tone: 'added', what: 'Put in', ...item(data) }),
  'item.removed': (data) => ({ icon: 'removed', tone: 'removed', what: 'Taken out', ...item(data) }),
  'item.unresolved': (data) => ({
    icon: 'asked',
    tone: 'asked',
    what: 'Asked',
    subject: undecided(text(data.kind) ?? ''),
    massMg: integer(data.massMg) ?? 0,
    detail: question(text(data.ask) ?? '') + candidates(data.candidates),
  }),
  'item.resolved': (data) => ({
    icon: 'settled',
    tone: 'settled',
    what: `Answered: ${outcomes[text(data.outcome) ?? ''] ?? text(data.outcome) ?? ''}`,
    ...item(data),
  }),
  'item.corrected': (data) => ({ icon: 'settled', tone: 'settled', what: 'Corrected', ...item(data) }),
  'shelf.taken': (data) => ({ icon: 'removed', tone: 'removed', what: 'Taken', ...item(data) }),
  'shelf.returned': (data) => ({ icon: 'added', tone: 'added', what: 'Returned', ...item(data) }),
  'shelf.misplaced': (data) => ({
    icon: 'asked',
    tone: 'asked',
    what: 'Misplaced',
    ...item(data),
    detail: `Belongs on ${list(data.belongsOn).join(', ')}.`,
  }),
  'shelf.stock': (data) => ({ icon: 'weight', decision: false, what: 'Stock', ...item(data) }),
  'scan.read': (data) => ({
    icon: 'scan',
    decision: false,
    what: data.meaning === 'session' ? 'Session scanned' : 'Scanned',
    ...item(data),
    ...(data.code === undefined ? {} : { detail: `Not understood: ${text(data.code)}` }),
  }),
  'movement.settled': (data) => ({
    icon: 'weight',
    decision: false,
    what: data.moving === true ? 'Weight moved while rolling' : 'Weight moved',
    subject: text(data.plate) ?? '',
    massMg: integer(data.massMg) ?? 0,
  }),
  'look.seen': (data) => ({
    icon: 'look',
    decision: false,
    what: lookWords[text(data.outcome) ?? ''] ?? 'Seen',
    ...item(object(list(object(list(data.things)[0]).candidates)[0])),
  }),
  'basket.opened': () => ({ icon: 'basket', what: 'Shopping began' }),
  'basket.line': (data) => ({
    icon: 'basket',
    what: 'Basket line',
    ...item({ ...data, count: undefined, massMg: undefined }),
    count: Math.abs(integer(data.change) ?? 0),
  }),
  'basket.checkout': () => ({ icon: 'basket', what: 'Checkout' }),
  'basket.voided': () => ({ icon: 'basket', tone: 'removed', what: 'Line taken off by staff' }),
  'basket.overridden': (data) => ({
    icon: 'basket',
    what: `Set by staff: ${text(data.what) ?? ''}`,
    ...(text(data.why) === undefined ? {} : { detail: text(data.why) ?? '' }),
  }),
  'basket.approved': (data) => ({
    icon: 'basket',
    tone: data.outcome === 'approved' ? 'settled' : 'asked',
    what: `Age ${integer(data.age) ?? ''} ${text(data.outcome) ?? ''}`,
  }),
  'basket.coupon': (data) => ({
    icon: 'scan',
    what: `Coupon ${(text(data.outcome) ?? '').replaceAll('-', ' ')}`,
    subject: text(data.name) ?? text(data.code) ?? '',
  }),
  'basket.loyalty': () => ({ icon: 'basket', what: 'Loyalty prices count' }),
  'basket.suspended': () => ({ icon: 'basket', what: 'Basket suspended' }),
  'basket.resumed': () => ({ icon: 'basket', what: 'Basket resumed' }),
  'basket.transferred': (data) => ({
    icon: 'basket',
    tone: 'settled',
    what: 'Basket transferred',
    subject: text(data.to) ?? '',
  }),
  'basket.reopened': (data) => ({
    icon: 'basket',
    tone: 'asked',
    what: 'Checkout ended without payment',
    subject: text(data.reason) ?? '',
  }),
  'basket.paid': () => ({ icon: 'basket', tone: 'settled', what: 'Paid' }),
  'basket.closed': (data) => ({
    icon: 'basket',
    tone: 'settled',
    what: 'Shopping ended',
    subject: plural(integer(object(data.totals).items) ?? 0, 'item'),
  }),
  'basket.abandoned': () => ({ icon: 'basket', tone: 'asked', what: 'Basket abandoned' }),
  'basket.alert': (data) => ({
    icon: 'fault',
    tone: 'asked',
    what: 'Alert',
    subject: (text(data.kind) ?? '').replaceAll('-', ' '),
    ...(integer(data.massMg) === undefined ? {} : { massMg: integer(data.massMg) ?? 0 }),
  }),
  'gateway.born': (data) => ({
    icon: 'gateway',
    what: 'Gateway started',
    ...(data.reason === 'start' ? {} : { subject: (text(data.reason) ?? '').replaceAll('-', ' ') }),
  }),
  'gateway.health': (data) => ({
    icon: 'gateway',
    decision: false,
    what: data.ok === true ? 'Healthy' : 'Not healthy',
    tone: data.ok === true ? 'plain' : 'fault',
  }),
  'device.fault': (data) => ({
    icon: 'fault',
    tone: 'fault',
    what: 'Device fault',
    subject: [text(data.source), text(data.channel)].filter((part) => part !== undefined).join(' · '),
    detail: `${text(data.code) ?? ''} ${text(data.message) ?? ''}`.trim(),
  }),
  'device.recovered': (data) => ({
    icon: 'settled',
    tone: 'settled',
    what: 'Device recovered',
    subject: [text(data.source), text(data.channel)].filter((part) => part !== undefined).join(' · '),
    ...(integer(data.times) === undefined
      ? {}
      : { detail: `It came ${plural(integer(data.times) ?? 0, 'time')} before it stayed away.` }),
  }),
  'outbox.dropped': (data) => ({
    icon: 'drop',
    tone: 'fault',
    what: 'Events dropped',
    count: integer(data.count) ?? 0,
    detail: `The outbox was ${text(data.reason) ?? ''}; class ${text(data.class) ?? ''}.`,
  }),
  'command.done': (data) => ({
    icon: 'command',
    decision: false,
    what: 'Command',
    subject: text(data.command) ?? '',
  }),
  'audit.recorded': (data) => ({
    icon: 'command',
    decision: false,
    what: 'Put into the audit log',
    subject: text(data.what) ?? '',
    ...(text(data.actor) === undefined ? {} : { detail: `By ${text(data.actor) ?? ''}.` }),
  }),
  'calibration.begun': (data) => ({
    icon: 'command',
    decision: false,
    what: data.purpose === 'verify' ? 'Verification begun' : 'Calibration begun',
    subject: texts(data.plates).join(', '),
  }),
  'calibration.ended': (data) => ({
    icon: 'command',
    decision: false,
    what: 'Calibration ended',
    subject: text(data.outcome) ?? '',
  }),
  'update.staged': (data) => updateOf('Release ready', data),
  'update.began': (data) => updateOf('Release on trial', data),
  'update.good': (data) => ({ ...updateOf('Release in service', data), icon: 'settled', tone: 'settled' }),
  'update.rolled-back': (data) => ({ ...updateOf('Release taken back', data), tone: 'fault' }),
  'update.root': (data) =>
    data.what === 'rolled-back'
      ? { ...updateOf('Root taken back', data), tone: 'fault' }
      : updateOf(data.what === 'good' ? 'Root in service' : 'Root written', data),
  'update.refused': (data) => ({ ...updateOf('Release refused', data), tone: 'fault' }),
  'calibration.committed': (data) => ({
    icon: 'settled',
    tone: 'settled',
    what: `Calibration ${integer(data.revision) ?? ''} in force`,
    subject: texts(data.plates).join(', '),
    detail: `Cause: ${text(data.cause) ?? ''}${integer(data.from) === undefined ? '' : ` to ${integer(data.from)}`}. Counters: ${integer(data.calibrationCounter) ?? 0} calibrations, ${integer(data.configurationCounter) ?? 0} changes of the configuration.`,
  }),
  'command.refused': (data) => ({
    icon: 'command',
    tone: 'fault',
    what: 'Command refused',
    subject: text(data.command) ?? '',
    detail: `${text(data.code) ?? ''} ${text(data.message) ?? ''}`.trim(),
  }),
};

/** An event as one line of the list. */
export function describe(event: EventView): Line {
  const known = Object.hasOwn(described, event.type) ? described[event.type] : undefined;
  const special = known?.(event.data) ?? { what: event.type };
  const total = totalOf(event.data.totals);
  return {
    icon: 'command',
    tone: 'plain',
    decision: true,
    ...(total === undefined ? {} : { total }),
    ...special,
  };
}

/** A short text of a movement for people: `something of 412 g`. */
export function somethingOf(massMg: number): string {
  return `something of ${change(Math.abs(massMg)).replace('+', '')}`;
}
