import { versions } from './event.ts';
import { array, bool, bytes, choice, hex, int, may, must, record, text, textMap, uint } from './fields.ts';

/**
 * Payloads of the topics that carry no event: docs/mqtt.md lists them. Snapshot and health are the records
 * `basketSnapshot` and `gatewayHealth` of data/.
 */

/** A device of the board as the birth announces it. */
export const stateDevice = record('state-device', {
  id: must(1, text, 'device of the board profile'),
  driver: must(2, text, 'driver that opens it'),
  vendor: may(3, text, 'vendor, as the device says'),
  model: may(4, text, 'model, as the device says'),
  serial: may(5, text, 'serial number, as the device says'),
  firmware: may(6, text, 'firmware, as the device says'),
});

/** Why a device is out of service, and what it does about that. */
export const safeState = record('safe-state', {
  cause: must(1, text, 'how its last run ended, as `before` of the event gateway.born'),
  code: may(2, text, 'CW-… of what ended it, where that is known'),
  message: may(3, text, 'the same for people'),
  failed: may(4, text, 'name/version that does not run'),
  retryS: must(5, uint, 'it tries again after so many s'),
});

/**
 * `state`, retained. Birth (`online` true) and, on the same topic, the will (`online` false) with the connection that
 * it belongs to. One that names an older connection than the last birth comes late and means nothing.
 */
export const statePayload = record('state', {
  online: must(1, bool, 'true: birth; false: will, or an orderly farewell'),
  connection: must(2, uint, '+1 per CONNECT of this ledger, across boots'),
  ledger: must(3, hex(8), 'ledger whose events this device publishes'),
  boot: must(4, uint, 'boot count'),
  software: may(5, text, 'name/version of the gateway; birth only'),
  since: may(
    6,
    uint,
    'UTC, ms since 1970, when the gateway started; left out while the clock is unset; birth only',
  ),
  devices: may(7, array(stateDevice), 'devices of the board; birth only'),
  versions: may(8, versions, 'what events are decided with; birth only'),
  instance: may(9, hex(8), 'drawn at each start of the gateway: two devices with one identity differ in it'),
  broker: may(10, text, 'address of the broker that was reached'),
  mode: may(11, choice('safe'), 'safe: out of service, only reporting; left out in service; birth only'),
  safe: may(12, safeState, 'why it is out of service; `mode` safe only'),
});

/** `ack`, from the store, retained. */
export const ackPayload = record('ack', {
  ledger: must(1, hex(8), 'ledger of the device'),
  sequence: must(2, uint, 'everything up to here is safe in the store'),
});

/** `request/{command}`. */
export const requestPayload = record('request', {
  transaction: must(1, text, 'chosen by the caller; the same one is carried out once'),
  issued: must(2, uint, 'UTC, ms since 1970'),
  expires: must(3, uint, 'UTC, ms since 1970; at most 24 h after `issued`'),
  args: may(4, textMap, 'arguments of the command, by name; left out where it has none'),
  nonce: may(
    5,
    hex(32),
    'that the device gave (`gateway.nonce`); in signed requests, and needed only while its clock is unset',
  ),
});

/** `response/{command}`. */
export const responsePayload = record('response', {
  transaction: must(1, text, 'of the request; empty where that could not be read'),
  status: must(2, choice('done', 'refused'), 'what became of it'),
  code: may(3, text, 'CW-…; refused only'),
  message: may(4, text, 'why, for people; refused only'),
  data: may(5, textMap, 'the answer, by name; done only'),
  key: may(6, hex(16), 'id of the key that signed the request; left out where no signature of it held'),
});

export const livePlate = record('live-plate', {
  plate: must(1, text, 'plate of the board profile'),
  grossMg: may(2, int, 'what lies on it, mg; left out while it cannot be weighed'),
  tareMg: must(3, int, 'tare to be subtracted, mg'),
  stable: must(4, bool, 'on a plateau'),
  moving: must(5, bool, 'the cart moves'),
});
/** `live/weight`, while a lease lasts. */
export const liveWeight = record('live-weight', {
  atUs: must(1, uint, 'monotonic µs'),
  plates: must(2, array(livePlate), 'every plate of the board'),
});

export const liveCell = record('live-cell', {
  cell: must(1, text, 'cell of the board profile'),
  counts: must(2, int, 'what the converter gave last'),
  device: may(3, text, 'device that delivers it'),
  channel: may(4, uint, 'channel of that device, from 0, where it counts them'),
  massMg: may(5, int, 'what the counts mean by the calibration, mg; left out without one'),
  ratePerMinute: may(6, uint, 'conversions a minute'),
  fault: may(7, text, 'kind of the fault that it has'),
});
export const liveSilentCell = record('live-silent-cell', {
  cell: must(1, text, 'cell of the board profile'),
  device: may(3, text, 'device that should deliver it'),
  channel: may(4, uint, 'channel of that device, from 0, where it counts them'),
  fault: may(7, text, 'kind of the fault that it has'),
});
/** `live/counts`, while a lease lasts: for technicians. */
export const liveCounts = record('live-counts', {
  atUs: must(1, uint, 'monotonic µs'),
  cells: must(2, array(liveCell), 'every cell that has delivered since the start'),
  silent: may(3, array(liveSilentCell), 'the others'),
});

export const manifestPart = record('manifest-part', {
  name: must(1, text, 'name under which the part is asked for'),
  sha256: must(2, hex(32), 'SHA-256 of the part'),
  size: must(3, uint, 'bytes'),
});
/** `_store/catalogue`, `_store/planogram/{device}`, `_store/gallery`, from the store, retained. */
export const manifest = record('manifest', {
  version: must(1, text, 'version of what is offered'),
  sha256: must(2, hex(32), 'SHA-256 of all parts, one after the other'),
  size: must(3, uint, 'bytes of all parts'),
  parts: must(4, array(manifestPart), 'parts, in order'),
  space: may(5, hex(32), 'of a gallery: the `space` of the model that its embeddings are of'),
});

export const deal = record('deal', {
  id: must(1, text, 'id of the deal'),
  title: must(2, text, "what is offered, in the store's own language"),
  titles: may(3, textMap, 'the same in further languages, by language code (`de`)'),
  products: must(4, array(text), 'GTINs (14 digits) and PLUs that it is about'),
  goesWith: may(5, array(text), 'GTINs and PLUs that it goes well with'),
  departments: may(
    6,
    array(text),
    'departments of the catalogue where it lies; those of its products where left out',
  ),
  place: may(7, text, 'where it lies, for people'),
  priceMinor: may(8, uint, 'price, minor units; for people: lines are priced by the catalogue alone'),
  beforeMinor: may(9, uint, 'price without it, minor units'),
  from: may(10, uint, 'when it begins, UTC, ms since 1970'),
  until: may(11, uint, 'when it ends, UTC, ms since 1970'),
});
/** `_store/offers`, from the store, retained: what displays advertise. An empty payload clears it. */
export const offersPayload = record('offers', {
  version: must(1, text, 'version of the list'),
  currency: must(2, text, 'ISO 4217; carts whose catalogue has another one show nothing of it'),
  deals: must(3, array(deal), 'deals, the most important first'),
});

const offeredRelease = record('offered-release', {
  release: must(1, bytes, 'its signed description (`.release`), as it was made'),
  urls: must(
    2,
    array(text),
    'where its archive lies: https addresses, or files (`file:///media/…`), tried in order',
  ),
});
const releaseGroup = record('release-group', {
  name: must(1, text, 'devices whose `updates.group` it is; `*`: all'),
  devices: may(2, array(text), 'devices that belong to it, whatever their configuration says'),
  percent: may(
    3,
    uint,
    'share of it that takes part, 0 … 100, by a hash of device and version; all where left out',
  ),
});
/** `_store/release`, from the store, retained: which release devices take, and in what order. An empty payload ends it. */
export const releaseNotice = record('release-notice', {
  version: must(1, text, 'version of the release'),
  releases: must(2, array(offeredRelease), 'the same release, one for each kind of processor'),
  groups: may(3, array(releaseGroup), 'groups in their order; all devices at once where left out'),
  open: may(4, uint, 'how many of the groups may begin, from the first; all where left out'),
  notBefore: may(5, uint, 'when devices may begin, UTC, ms since 1970'),
  stopAt: may(6, uint, 'no further device begins once so many have failed'),
  failed: may(7, uint, 'how many have failed, as the store knows'),
  paused: may(8, bool, 'no further device begins'),
});

/** `phone/{channel}/say`, from a shopper's phone. */
export const phoneSay = record('phone-say', {
  number: must(1, uint, 'larger than of any message before on this channel; UTC, ms since 1970, will do'),
  what: must(2, choice('join', 'scan', 'leave'), 'what the phone does'),
  code: may(3, text, 'what was scanned, as the code has it; `scan` only, at most 512 characters'),
  symbology: may(4, text, 'AIM identifier, as ]E0; `scan` only'),
  mac: must(5, hex(32), 'HMAC-SHA256 by the secret of the QR code: see Phones'),
});
/** `phone/{channel}/heard`, the answer. */
export const phoneHeard = record('phone-heard', {
  number: must(1, uint, 'of the message'),
  outcome: must(2, choice('taken', 'refused', 'too-often'), 'what became of it'),
});

/** A public key and what its holder may command. */
const keyEntry = record('key-entry', {
  key: must(1, bytes, 'the public key: SubjectPublicKeyInfo, DER; Ed25519 or P-256'),
  role: must(
    2,
    choice('shopper', 'staff', 'technician', 'till', 'store', 'operator'),
    'which commands it may sign',
  ),
  who: may(3, text, 'number of who holds it, never a name: digits, letters and -, 64 at most'),
  validFrom: may(4, uint, 'when it begins to be valid, UTC, ms since 1970'),
  validTo: may(5, uint, 'the last moment at which it is valid, UTC, ms since 1970'),
  revoked: may(6, bool, 'true: it is not valid any more, whatever the dates say'),
});
/** `_store/keys`, retained: the payload of a COSE_Sign1 by the store's root key. */
export const keyListPayload = record('key-list', {
  version: must(1, uint, 'above that of every list before; devices refuse to go back'),
  issued: must(2, uint, 'when it was made, UTC, ms since 1970'),
  keys: must(3, array(keyEntry), 'every key that counts, and those that were revoked; 2,000 at most'),
});
