import { calibrationCommands } from './calibration-commands.ts';

/** A command as integrators see it: what may stand in `args`, what `data` answers. */
export interface CommandDoc {
  readonly name: string;
  readonly summary: string;
  /** Argument (a question mark where it may be left out) and what it says. */
  readonly args: Readonly<Record<string, string>>;
  readonly answer: string;
}

export const commands: readonly CommandDoc[] = [
  {
    name: 'gateway.info',
    summary: 'What the device is and how it is doing.',
    args: {},
    answer:
      '`store`, `device`, `board`, `software`, `boot`, `ledger`, `sequence`, `catalogue`, `devices` and more',
  },
  {
    name: 'gateway.nonce',
    summary: 'A nonce for one signed command, for a device whose clock is unset.',
    args: {},
    answer: '`nonce` (64 hexadecimal digits), `seconds` (how long it serves)',
  },
  {
    name: 'log.level',
    summary: 'Changes the level of the log until the next start.',
    args: { level: '`trace`, `debug`, `info`, `warn` or `error`' },
    answer: '`level`',
  },
  {
    name: 'update.status',
    summary: 'How updates stand on this device.',
    args: {},
    answer:
      '`state` (as in health), `version`, `before?`, `offered?`, `staged?`, `trial?`, `hold?` (why it waits), `fault?`, `paused`, `failed` (releases that are not tried again: `version`, `code`, `why`)',
  },
  {
    name: 'update.check',
    summary: 'Looks again at what the store offers, and goes on with it where this device may.',
    args: {},
    answer: 'as `update.status`',
  },
  {
    name: 'update.begin',
    summary:
      'Takes the offered or staged release now, whatever the roll-out says; not while somebody shops or a scale is calibrated (CW-UPD-052).',
    args: {
      version: 'the release',
      'force?': 'true: also one that failed on this device before',
      'downgrade?': 'true: also one that is older than the one in service',
    },
    answer: '`version`, `action`: `fetch`, `stage` or `begin`, whichever comes first',
  },
  {
    name: 'update.rollback',
    summary: 'Goes back to the release before, or ends the trial that is on; refused as `update.begin` is.',
    args: { why: 'why, for the record, 3 … 256 characters' },
    answer: '`version` (the release that it goes back to)',
  },
  {
    name: 'update.pause',
    summary: 'Takes nothing by itself any more, or does so again; outlives restarts.',
    args: { paused: 'true or false' },
    answer: '`paused`',
  },
  {
    name: 'device.reboot',
    summary:
      'Restarts the machine in good order; refused while a shopper is there (CW-GWY-010), and where the gateway is no service (CW-GWY-011). On record in the audit log; the next birth tells the reason.',
    args: {
      why: 'why, for the record, 3 … 256 characters',
      'force?': 'true: also while a shopper is there; the basket is kept',
    },
    answer: '`action`: `reboot`',
  },
  {
    name: 'device.poweroff',
    summary: 'Switches the machine off in good order; refused as `device.reboot` is.',
    args: {
      why: 'why, for the record, 3 … 256 characters',
      'force?': 'true: also while a shopper is there; the basket is kept',
    },
    answer: '`action`: `poweroff`',
  },
  {
    name: 'audit.list',
    summary: "Shows records of the device's audit log, at most 120,000 characters of them.",
    args: {
      'from?': 'number of the first record; the newest ones where left out',
      'count?': '1 … 200, default 50',
    },
    answer:
      '`records` (each the line of the log, JSON, as its hash covers it), `first` (number of the first), `damaged` (lines left out), `head` (`number`, `hash` of the last record of all)',
  },
  {
    name: 'config.show',
    summary:
      'Shows the configuration in force with all defaults, and the board; without passwords and tokens.',
    args: {},
    answer:
      '`config` and `board` (YAML), `sha256` of both, `plates` (`id`, `kind`, `maxMg?`, `intervalMg?`, `cells`: `id`, `positionMm`, `capacityMg`)',
  },
  {
    name: 'live.start',
    summary: 'Starts or renews a lease on live values.',
    args: { 'what?': '`weight` (default) or `counts`', 'seconds?': '1 … 3600, default 60' },
    answer: '`what`, `seconds`, `topic` (relative: `live/weight`)',
  },
  {
    name: 'live.stop',
    summary: 'Ends leases early.',
    args: { 'what?': 'as above; all where left out' },
    answer: 'nothing',
  },
  {
    name: 'tare',
    summary: 'Takes what lies on a plate as empty.',
    args: { plate: 'plate of the board' },
    answer: '`plate`, `tareMg`',
  },
  ...calibrationCommands,
  {
    name: 'maintenance.begin',
    summary:
      'Staff work on plates (restocking, cleaning, test weights): what moves there is no item event. Refused during a session; none begins on a cart meanwhile.',
    args: {
      plates: 'plates of the board',
      'minutes?': '1 … 480, default 60: when it is over at the latest',
      'owner?':
        'who works there (1 to 64 characters; a calibration names its session): nobody else ends it or begins there (CW-PIP-014), and beginning again prolongs it',
    },
    answer: '`plates`: all that are worked on',
  },
  {
    name: 'maintenance.end',
    summary:
      'Staff are done. What is still moving is theirs; shelves are counted anew (`shelf.stock`), and what was asked about on these plates is settled.',
    args: {
      'plates?': 'where left out, all of the owner named; without one, all that have none',
      'owner?': 'as it was begun; needed for plates that have one',
      'cleared?':
        '`true`: a plate is watched again only when it rests within 10 e of zero, at the latest after 2 min; what is taken off until then (test weights) is no item event',
    },
    answer:
      '`plates`: those that are watched again; with `cleared`, `clearing`: those that wait to be cleared',
  },
  {
    name: 'session.begin',
    summary: 'Opens a shopping session.',
    args: {
      'token?': "the shopper's token, 1 to 256 characters; it leaves the device as a derived id only",
      'touch?': '`true`: a shopper without a token touched the display',
      'loyalty?': '`true`: the shopper is known, loyalty prices count',
    },
    answer: '`session`',
  },
  {
    name: 'session.end',
    summary: 'Ends the shopping session without payment; after payment, ends the watch for the exit.',
    args: {},
    answer: '`session`, `totals`, `unsettled` (questions left open)',
  },
  {
    name: 'item.identify',
    summary: 'Says what something is that was put in, or asked about.',
    args: {
      'gtin?': '14 digits, or',
      'plu?': '4 or 5 digits',
      'count?': '1 … 99',
      'event?': 'the `item.unresolved` event that it answers',
    },
    answer: '`name` in the catalogue',
  },
  {
    name: 'item.answer',
    summary: 'Answers a question.',
    args: {
      event: 'the `item.unresolved` event',
      'outcome?':
        "`withdrawn` (a scanned thing was not put in) or `not-an-item` (it is none of the store's goods; told as `basket.alert`), or",
      'gtin?': 'what it is, or',
      'plu?': 'what it is',
      'count?': '1 … 99',
      'by?': 'who answers, see below',
    },
    answer: '`name` in the catalogue, where it was named',
  },
  {
    name: 'item.place',
    summary:
      'What was scanned, and asked about because nothing was put in, lies on a rack that weighs nothing (`kind: unweighed`).',
    args: { event: 'the `item.unresolved` event', plate: 'the rack' },
    answer: '`name` in the catalogue',
  },
  {
    name: 'item.remove',
    summary:
      'Something is taken off a rack, or out of a basket whose scale is out of order: the product named, or where none is, the one that is scanned within 15 s.',
    args: { 'gtin?': '14 digits, or', 'plu?': '4 or 5 digits', 'count?': '1 … 99' },
    answer: '`name` in the catalogue, where it was named',
  },
  {
    name: 'item.override',
    summary: 'Staff sets what a question was about, or price or count of a line.',
    args: {
      'event?': 'the `item.unresolved` event, with `outcome` or a product, or',
      'line?': 'a line, with `priceMinor` (of the whole line, before savings) or `count`',
      'gtin?': 'what the question was about: it is charged whatever the mass says',
      'plu?': 'as above',
      'count?': 'units',
      'priceMinor?': 'minor units',
      'outcome?': '`withdrawn` or `not-an-item`',
      by: 'staff or till, with `who`',
      why: 'why, 1 to 200 characters',
    },
    answer: '`revision`, `totals`',
  },
  {
    name: 'line.void',
    summary: 'Staff takes a line, or some units of it, off the basket. `basket.voided` says who and why.',
    args: {
      line: 'the line',
      'count?': 'units; all where left out',
      by: 'staff or till, with `who`',
      why: 'why, 1 to 200 characters',
    },
    answer: '`revision`, `totals`',
  },
  {
    name: 'line.dispute',
    summary:
      'The shopper says "not mine". The line stays, marked, until it is taken out, voided, or this is over.',
    args: { line: 'the line', 'over?': '`true`: dealt with', 'by?': 'who says so' },
    answer: '`revision`',
  },
  {
    name: 'basket.checkout',
    summary: 'Begins a checkout attempt. Sent again while it lasts, it is answered with the same one.',
    args: {},
    answer:
      '`checkout`, `revision`, `totals`, `unsettled`, `asked`, `approvals`, `unpriced`: as `basket.checkout` tells it',
  },
  {
    name: 'checkout.price',
    summary: 'The till prices lines that are estimated or priced at the till.',
    args: {
      checkout: 'the attempt',
      revision: 'the revision it was told last',
      lines: 'list of `line`, `priceMinor` (before savings), `massMg?`, `certificateId?` (of the scale)',
    },
    answer: '`revision`, `totals`, `unpriced`',
  },
  {
    name: 'checkout.settle',
    summary: 'The till says what became of the payment. See below for when it captures.',
    args: {
      checkout: 'the attempt',
      revision: 'the revision it was told last',
      totalMinor: '`toPayMinor` of that revision',
      outcome: '`paid`, `declined` or `cancelled`',
      reference: "the till's reference, 1 to 100 characters",
    },
    answer: '`checkout`, `outcome`, `revision`, `session`',
  },
  {
    name: 'checkout.cancel',
    summary: 'Ends the attempt without payment; the trip goes on.',
    args: { 'checkout?': 'the attempt; the one that is open where left out', 'by?': 'who' },
    answer: '`revision`',
  },
  {
    name: 'basket.suspend',
    summary: 'Suspends the trip: the cart is parked.',
    args: { 'by?': 'who' },
    answer: '`revision`',
  },
  {
    name: 'basket.resume',
    summary: 'Resumes it. The token need not be given where none opened the session, or where staff does it.',
    args: { 'token?': 'the token that opened it', 'by?': 'who' },
    answer: '`session`, `revision`',
  },
  {
    name: 'basket.transfer',
    summary: 'Ends the session here and hands its lines over: `basket.transferred` has them.',
    args: { to: 'till or device that takes it over', 'by?': 'who' },
    answer: '`session`, `revision`, `totals`, `lines`, `asked`',
  },
  {
    name: 'basket.receive',
    summary:
      'Opens a session with the lines of another cart. Its units are `unplaced` until they are put in here.',
    args: {
      from: 'device it comes from',
      session: 'session there',
      lines: '`lines` of `basket.transferred`, by name',
      'token?': "the shopper's token",
      'loyalty?': '`true`: the shopper is known',
    },
    answer: '`session`, `revision`, `totals`',
  },
  {
    name: 'basket.abandon',
    summary: 'Gives the trip up.',
    args: { by: 'shopper or staff' },
    answer: '`session`, `revision`',
  },
  {
    name: 'basket.approve',
    summary: "Staff has checked the buyer's age: it holds for all goods up to it in this trip.",
    args: {
      age: 'years',
      'outcome?': '`approved` (default) or `refused`: an approval of that age or more is taken back',
      by: 'staff or till, with `who`',
    },
    answer: '`revision`, `approvals` that are still needed',
  },
  {
    name: 'basket.coupon',
    summary: 'A coupon that was typed, or scanned elsewhere.',
    args: { code: '1 to 100 characters' },
    answer: '`outcome` (`accepted`, `unknown`, `not-in-force`, `repeated`), `name?`, `revision`',
  },
  {
    name: 'basket.loyalty',
    summary: 'The shopper is known: loyalty prices count.',
    args: {},
    answer: '`revision`',
  },
  {
    name: 'basket.help',
    summary: 'Calls somebody; works in every state.',
    args: { 'over?': '`true`: somebody came', 'by?': 'who' },
    answer: 'nothing',
  },
  {
    name: 'mass.forget',
    summary: 'Forgets what the device has learned of what products weigh.',
    args: { 'gtin?': 'of this product, or', 'plu?': 'of this one, or', 'all?': '`true`: of all' },
    answer: '`forgotten` (how many)',
  },
  {
    name: 'vision.record',
    summary:
      "Starts a technician's recording of a camera on the device: the only frames that are ever written to the disk. Health says so while it lasts; the file is erased after `vision.recording.keepMinutes`.",
    args: { camera: 'camera of the board', seconds: '1 … `vision.recording.longestS`' },
    answer: '`path` on the device, `seconds`, `erasedAt` (UTC ms)',
  },
  {
    name: 'vision.erase',
    summary: 'Ends recordings and erases their files at once.',
    args: {},
    answer: '`files` (how many there were)',
  },
  {
    name: 'gallery.enroll',
    summary:
      'Teaches the device to recognize a product by embeddings of a few pictures, one each: see below. Pictures stay where they were taken.',
    args: {
      'gtin?': 'a product of the catalogue, or',
      'plu?': 'such a product, or',
      'look?': 'the key in the gallery itself',
      embeddings: '1 to 64 byte strings, as `gallery.capture` answers them',
      'space?': "the `space` of the model that made them; the device's own model where left out",
      'replace?': '`true`: forget what is known of the product; else it is added to',
      'keepAll?': '`true`: keep pictures that seem to show something else',
    },
    answer:
      '`look`, `pictures` and `references` that it has now, `rejected` (`picture`, counted from 1, and what it `resembles`), `confused` (`picture` and the `look` that is nearer to it), `nearest` (`look`, `cosinePpm`, `similar`), `version` and `total` of the gallery',
  },
  {
    name: 'gallery.remove',
    summary: 'Forgets how a product looks.',
    args: { 'gtin?': 'as above, or', 'plu?': 'as above, or', 'look?': 'as above' },
    answer: '`look`, `removed` (whether it was there), `version`, `total`',
  },
  {
    name: 'gallery.list',
    summary: 'What the device can recognize.',
    args: { 'from?': 'number of the first one, from 0', 'count?': '1 … 1000, default 1000' },
    answer: '`looks` (`look`, `references`, `pictures`), `total`, `version`, `space`',
  },
  {
    name: 'gallery.capture',
    summary:
      'Embeds what a camera sees of a plate now: hold the product into the middle of its view. The answer has an embedding, never a picture.',
    args: { camera: 'camera of the board', plate: 'plate that it sees' },
    answer: '`embeddings` (byte strings), `space` of the model',
  },
];
