import type { BrokerStatus, CellStatus, ClockStatus, DeviceStatus, PlateStatus } from '../source.ts';
import { byId, fill, h, setText } from './dom.ts';
import { byteSize, duration, measurement, plural, rate, timeOfDay } from './format.ts';

/** A word in a frame; its mark has a shape of its own, so that colour says nothing alone. */
function badge(tone: 'good' | 'bad' | 'warn', text: string): HTMLElement {
  return h('span', { class: `status ${tone}` }, text);
}

/** Broker and outbox, in words that say what it means for the events. */
export function showBroker(root: HTMLElement, broker: BrokerStatus, clock: ClockStatus): void {
  const waiting = broker.outboxEvents;
  const since = broker.sinceMs === undefined ? '' : ` since ${timeOfDay(broker.sinceMs)}`;
  const forHowLong = broker.sinceMs === undefined ? '' : ` (${duration(clock.utcMs - broker.sinceMs)})`;
  const words = broker.connected
    ? waiting === 0
      ? 'Every event has arrived.'
      : `${plural(waiting, 'event')} on the way.`
    : `The broker is away${since}${forHowLong}. ${broker.dropped === 0 ? 'Nothing is lost: ' : ''}${plural(waiting, 'event')} ${waiting === 1 ? 'waits' : 'wait'} on disk and will be sent when it is back.`;
  const share = broker.outboxMaxBytes === undefined ? undefined : broker.outboxBytes / broker.outboxMaxBytes;
  fill(
    root,
    h(
      'p',
      { class: 'headline' },
      broker.connected ? badge('good', 'connected') : badge('bad', 'away'),
      h('code', {}, broker.url),
    ),
    h('p', {}, words),
    broker.error !== undefined && !broker.connected && h('p', { class: 'note' }, `Reason: ${broker.error}`),
    h(
      'dl',
      { class: 'facts' },
      ...fact('Waiting', plural(waiting, 'event')),
      ...fact('Acknowledged', plural(broker.published, 'event')),
      ...fact(
        'Outbox',
        `${byteSize(broker.outboxBytes)}${share === undefined ? '' : ` (${percent(share)})`}`,
      ),
      ...fact('Protocol', broker.protocol === undefined ? '—' : `MQTT ${broker.protocol}`),
    ),
    // An empty bar says nothing; above, the share stands in figures.
    share !== undefined &&
      share >= 0.01 &&
      h('progress', { value: String(share), max: '1', 'aria-label': 'Outbox in use' }),
    broker.dropped > 0 &&
      h('p', { class: 'warning' }, `${plural(broker.dropped, 'event')} dropped because the outbox was full.`),
  );
}

function percent(share: number): string {
  if (share === 0) return 'empty';
  return share < 0.001 ? 'under 0.1 %' : `${(share * 100).toFixed(1)} %`;
}

function fact(name: string, value: string): HTMLElement[] {
  return [h('dt', {}, name), h('dd', {}, value)];
}

const deviceStates = {
  running: ['good', 'running'],
  opening: ['warn', 'opening'],
  faulty: ['bad', 'faulty'],
  stopped: ['warn', 'stopped'],
} as const;

/** A narrow screen, where devices and cells are folded away; the same width as in phone.css. */
const narrow = matchMedia('(max-width: 600px)');

/**
 * Opens or folds a part when what speaks for it changes, so that what a reader opened or folded stays as it is.
 * A fault always opens it.
 */
function foldPart(part: HTMLDetailsElement, folded: boolean): void {
  const wanted = folded ? 'folded' : 'open';
  if (part.dataset.wanted !== wanted) part.open = !folded;
  part.dataset.wanted = wanted;
}

export function showDevices(root: HTMLElement, devices: readonly DeviceStatus[]): void {
  foldPart(
    byId('devices-part') as HTMLDetailsElement,
    narrow.matches && devices.every((device) => device.fault === undefined && device.state !== 'faulty'),
  );
  fill(
    root,
    h(
      'div',
      { class: 'device-head', 'aria-hidden': 'true' },
      ...['Device', 'State', 'Readings'].map((name) => h('span', {}, name)),
    ),
    h('ul', { class: 'device-list' }, ...devices.map(deviceRow)),
  );
}

/** More cells than this are folded away, unless one of them is faulty. */
const cellsInView = 8;

/** The load cells, under their own heading that opens; it opens by itself where there are few and room, or one is faulty. */
export function showCells(plates: readonly PlateStatus[]): void {
  const cells = plates.flatMap((plate) => plate.cells.map((cell) => ({ plate: plate.id, cell })));
  const part = byId('cells-part') as HTMLDetailsElement;
  part.hidden = cells.length === 0;
  const well = cells.every(({ cell }) => cell.fault === undefined);
  foldPart(part, well && (narrow.matches || cells.length > cellsInView));
  setText(byId('cells-title'), plural(cells.length, 'load cell'));
  fill(
    byId('cells'),
    h(
      'table',
      { class: 'cells' },
      head('Cell', 'Counts', 'Readings'),
      h('tbody', {}, ...cells.flatMap(({ plate, cell }) => cellRows(plate, cell))),
    ),
  );
}

function head(...names: readonly string[]): HTMLElement {
  return h('thead', {}, h('tr', {}, ...names.map((name) => h('th', { scope: 'col' }, name))));
}

function deviceRow(device: DeviceStatus): HTMLElement {
  const [tone, word] = deviceStates[device.state];
  const { vendor, model, serial, firmware } = device.identity;
  const parts = [
    [vendor, model].filter(Boolean).join(' '),
    serial && `serial ${serial}`,
    firmware && `firmware ${firmware}`,
  ];
  const identity = [device.driver, ...parts].filter(Boolean).join(' · ');
  const { fault, ratePerMinute, measured = {} } = device;
  const said = measurement(measured);
  return h(
    'li',
    {},
    h('strong', {}, device.id),
    badge(tone, word),
    ratePerMinute !== undefined &&
      h('span', { class: 'rate' }, rate(ratePerMinute), h('span', { class: 'quiet' }, ' readings')),
    h('span', { class: 'detail' }, said === '' ? identity : `${said} · ${identity}`),
    fault !== undefined && h('p', { class: 'fault' }, `${fault.code} ${fault.message}`),
  );
}

function cellRows(plate: string, cell: CellStatus): HTMLElement[] {
  const row = h(
    'tr',
    {},
    h('th', { scope: 'row' }, cell.id, h('span', { class: 'detail' }, plate)),
    h('td', { class: 'number' }, cell.counts === undefined ? '—' : cell.counts.toLocaleString('en-GB')),
    h('td', { class: 'number' }, `${cell.ratePerSecond.toFixed(0)} /s`),
  );
  return cell.fault === undefined ? [row] : [row, faultRow(cell.fault)];
}

function faultRow(text: string): HTMLElement {
  return h('tr', { class: 'fault' }, h('td', { colspan: '3' }, text));
}

/** The pills at the top: what a glance must tell. */
export function showChips(
  root: HTMLElement,
  live: boolean,
  broker: BrokerStatus,
  devices: readonly DeviceStatus[],
  clock: ClockStatus,
  questions: number,
): void {
  const faulty = devices.filter((device) => device.state === 'faulty').length;
  const chip = (tone: 'good' | 'bad' | 'warn', text: string) => h('li', {}, badge(tone, text));
  fill(
    root,
    live ? chip('good', 'live') : chip('bad', 'connection lost'),
    broker.connected ? chip('good', 'broker connected') : chip('bad', 'broker away'),
    faulty === 0
      ? chip('good', `${plural(devices.length, 'device')} well`)
      : chip('bad', `${plural(faulty, 'device')} faulty`),
    clock.quality === 'synced'
      ? false
      : chip('warn', clock.quality === 'unset' ? 'clock not set' : 'clock not synchronized'),
    questions > 0 && chip('warn', plural(questions, 'open question')),
  );
}
