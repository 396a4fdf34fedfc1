import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { statePayload } from '#events/mqtt-payloads.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { isName, parseTopic } from '#uplink/topics.ts';
import { type BrokerOptions, withBroker } from './broker.ts';
import { CliError } from './errors.ts';
import { withKey } from './key-files.ts';
import { table } from './live-table.ts';
import { Shelf } from './shelf.ts';
import { untilSignal } from './signals.ts';
import { type Publication, publishAll, readStoreFiles } from './store-files.ts';
import { runStore } from './store-run.ts';
import { notice, printable, printJson } from './terminal.ts';
import { nameFrom, secondsFrom } from './values.ts';

interface ShelfOptions extends BrokerOptions {
  readonly store: string;
  readonly timeout: number;
  readonly json?: boolean;
}

interface FileOptions {
  readonly catalogue?: string;
  readonly promotions?: string;
  readonly planogram: readonly string[];
  readonly offers?: string;
}

interface RunCommandOptions extends ShelfOptions, FileOptions {
  readonly till: string;
  readonly book?: string;
  readonly ack: boolean;
  readonly pay: 'auto' | 'ask';
  readonly weigh: 'auto' | 'ask';
  readonly age: 'auto' | 'ask';
  readonly key?: string;
}

/** `cartwright store …`: the other side of the contract, for demonstrations, tests and integrators. */
export function registerStore(program: Command): void {
  const store = program
    .command('store')
    .description('the reference store: publishes goods and deals, shows all carts, and has a till')
    .usage('[options] <run|publish|show|withdraw>')
    .addHelpText(
      'after',
      `
docs/store.md tells what it does and what it leaves to a real store.

Examples:
  scripts/cartwright store run -s demo-store
  scripts/cartwright store publish -s demo-store --catalogue config/catalogues/demo.json
  scripts/cartwright store show -s demo-store`,
    );
  registerRun(
    store.command('run').description('keep the ledger, show all carts and shelves, and have carts pay'),
  );
  withFiles(
    withStore(store.command('publish').description('give all devices a catalogue, planograms and deals')),
  )
    .addHelpText(
      'after',
      `
Everything is checked before anything is published. Devices take a new catalogue between two decisions and say so in their state.

Examples:
  scripts/cartwright store publish -s demo-store --catalogue catalogue.json --promotions week-48.json
  scripts/cartwright store publish -s demo-store --planogram shelf-0001=shelf.json --offers deals.json`,
    )
    .action(publish);
  withStore(
    store.command('show').description('show what is offered, and what each device has in force'),
  ).action(show);
  withStore(
    store
      .command('withdraw')
      .description('offer something no longer; devices keep what they have')
      .argument('<what>', 'catalogue, planogram/DEVICE or offers'),
  ).action(withdraw);
  for (const command of store.commands) command.exitOverride();
}

function withStore(command: Command): Command {
  return withBroker(command.requiredOption('-s, --store <name>', 'the store', nameFrom('--store')))
    .option('--timeout <seconds>', 'how long to wait for the broker', secondsFrom('--timeout'), 30)
    .option('--json', 'print as JSON');
}

function withFiles(command: Command): Command {
  return command
    .option('--catalogue <file>', 'catalogue for all devices')
    .option('--promotions <file>', "promotions in place of the catalogue's: {version, promotions}")
    .option(
      '--planogram <device=file>',
      'planogram for a device; may be given several times',
      (text: string, before: readonly string[]) => [...before, text],
      [],
    )
    .option('--offers <file>', 'deals for displays (docs/mqtt.md, offers, as JSON)');
}

function registerRun(command: Command): void {
  const does = (flags: string, text: string) =>
    new Option(flags, text).choices(['auto', 'ask']).default('ask');
  withKey(withFiles(withStore(command)))
    .option('--till <name>', 'name of the till', nameFrom('--till'), 'till-1')
    .option('--book <file>', 'its book: events, payments and sales (default: data/store/STORE.sqlite)')
    .addOption(does('--pay <how>', 'auto: take the money by itself').default('auto'))
    .addOption(
      does('--weigh <how>', "auto: charge a cart's estimates as if they were weighed (demonstrations only)"),
    )
    .addOption(does('--age <how>', 'auto: approve ages by itself (demonstrations only)'))
    .option('--no-ack', 'another consumer keeps the ledger and acknowledges it')
    .addHelpText(
      'after',
      `
In a terminal: a table of all devices, and a line to type in; help lists what can be typed. Elsewhere: one line for each payment,
receipt and trouble, or, with --json, one object a line for each change; what is typed comes on standard input.
It goes on where it was ended: its book holds what it had begun.

Examples:
  scripts/cartwright store run -s demo-store
  scripts/cartwright store run -s demo-store --pay ask --catalogue catalogue.json
  scripts/cartwright store run -s my-store -b mqtts://broker.my-store.example:8885 --key till-3.pem
  scripts/cartwright store run -s demo-store --json | jq 'select(.kind == "receipt")'`,
    )
    .action(async (options: RunCommandOptions) => {
      const publications = await readStoreFiles(filesOf(options));
      if (publications.length > 0) await withShelf(options, (shelf) => publishAll(shelf, publications));
      for (const publication of publications) notice(publishedLine(publication));
      await runStore(
        { ...options, book: options.book ?? join('data', 'store', `${options.store}.sqlite`) },
        untilSignal(),
      );
    });
}

async function publish(options: ShelfOptions & FileOptions): Promise<void> {
  const publications = await readStoreFiles(filesOf(options));
  if (publications.length === 0) {
    throw new CliError('CW-CLI-001', 'nothing to publish; give --catalogue, --planogram or --offers');
  }
  await withShelf(options, (shelf) => publishAll(shelf, publications));
  for (const publication of publications) {
    if (options.json)
      printJson({ what: publication.what, version: publication.version, size: publication.bytes.length });
    else process.stdout.write(`${publishedLine(publication)}\n`);
  }
}

function publishedLine({ what, version, bytes }: Publication): string {
  return printable(`published ${what} ${version} (${bytes.length} bytes)`);
}

/** Throws CW-CLI-001. */
function filesOf({ catalogue, promotions, planogram, offers }: FileOptions) {
  const planograms = new Map<string, string>();
  for (const text of planogram) {
    const at = text.indexOf('=');
    const device = text.slice(0, Math.max(0, at));
    if (!isName(device) || at === text.length - 1) {
      throw new CliError('CW-CLI-001', `--planogram ${JSON.stringify(text)}: must be DEVICE=FILE`);
    }
    planograms.set(device, text.slice(at + 1));
  }
  return { catalogue, promotions, planograms, offers };
}

async function show(options: ShelfOptions): Promise<void> {
  const devices = new Map<
    string,
    { device: string; online: boolean; catalogue?: string; planogram?: string }
  >();
  const { offered, deals } = await withShelf(
    options,
    async (shelf) => {
      await shelf.listen(['catalogue', 'planogram/+', 'offers'], [`cw/1/${options.store}/+/state`]);
      const isOffers = shelf.said('offers') !== undefined;
      return { offered: [...shelf.offers()].filter(([what]) => what !== 'offers'), deals: isOffers };
    },
    (topic, payload) => {
      const parsed = parseTopic(topic);
      if (parsed?.kind !== 'state') return;
      try {
        const { online, versions } = decodePayload(statePayload, payload);
        const { device } = parsed.place;
        const { catalogue, planogram } = versions ?? {};
        devices.set(device, {
          device,
          online,
          ...(catalogue === undefined ? {} : { catalogue }),
          ...(planogram === undefined ? {} : { planogram }),
        });
      } catch {
        // Anybody may write there.
      }
    },
  );
  const rows = [...devices.values()].sort((a, b) => (a.device < b.device ? -1 : 1));
  if (options.json) {
    const files = offered.map(([what, { version, size, parts }]) => ({
      what,
      version,
      size,
      parts: parts.length,
    }));
    printJson({ offered: files, offers: deals, devices: rows });
    return;
  }
  const files = offered.map(([what, { version, size }]) =>
    printable(`offers ${what} ${version} (${size} bytes)`),
  );
  const lines = rows.map(({ device, online, catalogue, planogram }) => [
    device,
    online ? 'online' : 'away',
    catalogue ?? '',
    planogram ?? '',
  ]);
  process.stdout.write(
    `${[
      ...(files.length === 0 ? ['offers no catalogue and no planogram'] : files),
      deals ? 'offers deals' : 'offers no deals',
      '',
      ...(lines.length === 0
        ? ['no device has said what it has']
        : table([['device', 'link', 'catalogue', 'planogram'], ...lines], [0, 1, 2, 3], [])),
    ].join('\n')}\n`,
  );
}

async function withdraw(what: string, options: ShelfOptions): Promise<void> {
  if (!/^(?:catalogue|offers|planogram\/[a-z0-9-]{1,64})$/.test(what)) {
    throw new CliError('CW-CLI-001', `${JSON.stringify(what)} is not catalogue, planogram/DEVICE or offers`);
  }
  const was = await withShelf(options, (shelf) => shelf.withdraw(what));
  if (options.json) printJson({ withdrawn: was });
  else
    process.stdout.write(
      `${options.store} ${was ? 'offers' : 'offered'} ${was ? `no ${what} any more` : `no ${what}`}\n`,
    );
}

async function withShelf<T>(
  options: ShelfOptions,
  work: (shelf: Shelf) => Promise<T>,
  onOther?: (topic: string, payload: Buffer) => void,
): Promise<T> {
  const shelf = await Shelf.open(options, onOther);
  try {
    return await work(shelf);
  } finally {
    await shelf.close();
  }
}
