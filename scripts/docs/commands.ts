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
    name: 'log.level',
    summary: 'Changes the level of the log until the next start.',
    args: { level: '`trace`, `debug`, `info`, `warn` or `error`' },
    answer: '`level`',
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
  {
    name: 'session.begin',
    summary: 'Opens a shopping session.',
    args: { 'token?': "the shopper's token, 1 to 256 characters; it leaves the device as a derived id only" },
    answer: '`session`',
  },
  {
    name: 'session.end',
    summary: 'Ends the shopping session.',
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
    name: 'mass.forget',
    summary:
      'Forgets what the device learned of the mass of a product, or of all: the catalogue alone counts again. Change the mass in the catalogue, and it is forgotten by itself.',
    args: { 'gtin?': '14 digits, or', 'plu?': '4 or 5 digits, or', 'all?': '`true`' },
    answer: '`forgotten` (of how many products)',
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
