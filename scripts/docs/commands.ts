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
];
