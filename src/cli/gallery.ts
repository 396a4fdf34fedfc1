import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { plainCause } from '#base/system-error.ts';
import { decodeGallery } from '#vision/gallery/file.ts';
import { offerGallery } from '#vision/gallery/offer.ts';
import { type BrokerOptions, withBroker } from './broker.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit.ts';
import { type DeviceGallery, GalleryShelf } from './gallery-shelf.ts';
import { printable, printJson, shortPath } from './terminal.ts';
import { nameFrom, secondsFrom } from './values.ts';

interface GalleryOptions extends BrokerOptions {
  readonly store: string;
  readonly timeout: number;
  readonly json?: boolean;
}

/** `cartwright gallery …`: one gallery for all devices of a store. */
export function registerGallery(program: Command): void {
  const gallery = program
    .command('gallery')
    .description('give all devices of a store one gallery, and see which they have')
    .usage('[options] <publish|show|withdraw>')
    .addHelpText(
      'after',
      `
A gallery file is made with scripts/cartwright enroll --gallery FILE, or taken from a device's data folder.

Examples:
  scripts/cartwright gallery publish /tmp/gallery.cwg -s demo-store
  scripts/cartwright gallery show -s demo-store`,
    );
  withStore(gallery.command('publish').description('offer a gallery to all devices of a store'))
    .argument('<file>', 'gallery file, as enroll makes it')
    .addHelpText(
      'after',
      `
The file travels as retained messages below cw/1/STORE/_store/gallery, and devices that come later find it there too. A device
with cameras and the model that the gallery was made with takes it, keeps on top what was enrolled on it and the gallery does not
have, and says so in its health; one with another model goes on with what it has. The account needs to write there.`,
    )
    .action(publish);
  withStore(gallery.command('show').description('show what is offered, and which gallery each device has'))
    .addHelpText(
      'after',
      '\nDevices tell it with their health, every 30 s. Exit code 1 where one does not take what is offered.',
    )
    .action(show);
  withStore(
    gallery.command('withdraw').description('offer none any more; devices keep what they have'),
  ).action(withdraw);
  for (const command of gallery.commands) command.exitOverride();
}

function withStore(command: Command): Command {
  return withBroker(command.requiredOption('-s, --store <name>', 'the store', nameFrom('--store')))
    .option('--timeout <seconds>', 'how long to wait for the broker', secondsFrom('--timeout'), 30)
    .option('--json', 'print as JSON');
}

async function publish(path: string, options: GalleryOptions): Promise<void> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new CliError('CW-CLI-004', `${path} can't be read: ${plainCause(cause)}`, { cause });
  });
  const file = await decodeGallery(bytes);
  const { manifest, parts } = await offerGallery(bytes, file);
  await withShelf(options, (shelf) => shelf.publish(manifest, parts));
  const { version, size, space } = manifest;
  const products = file.gallery.looks.length;
  if (options.json) printJson({ version, size, parts: parts.size, products, space });
  else {
    process.stdout.write(
      `${options.store} offers gallery ${version.slice(0, 8)} (${shortPath(path)}): ${count(products, 'product')}, ${sizeOf(size, parts.size)}\n`,
    );
  }
}

async function show(options: GalleryOptions): Promise<void> {
  const { offered, devices } = await withShelf(options, (shelf) => shelf.look());
  const failing = devices.some(({ fault }) => fault !== undefined);
  if (options.json) {
    const { version, size, parts, space } = offered ?? {};
    printJson({
      ...(offered === undefined ? {} : { offered: { version, size, parts: parts?.length, space } }),
      devices,
    });
  } else {
    const head =
      offered === undefined
        ? `${options.store} offers no gallery`
        : `${options.store} offers gallery ${printable(offered.version.slice(0, 8))}: ${sizeOf(offered.size, offered.parts.length)}`;
    process.stdout.write(`${[head, ...deviceLines(devices)].join('\n')}\n`);
  }
  if (failing) process.exitCode = exitCodes.findings;
}

async function withdraw(options: GalleryOptions): Promise<void> {
  const was = await withShelf(options, (shelf) => shelf.withdraw());
  if (options.json) printJson({ withdrawn: was });
  else
    process.stdout.write(`${options.store} ${was ? 'offers no gallery any more' : 'offered no gallery'}\n`);
}

async function withShelf<T>(options: GalleryOptions, work: (shelf: GalleryShelf) => Promise<T>): Promise<T> {
  const shelf = await GalleryShelf.open(options);
  try {
    return await work(shelf);
  } finally {
    await shelf.close();
  }
}

/** Devices with cameras, as a table. */
function deviceLines(devices: readonly DeviceGallery[]): string[] {
  if (devices.length === 0) return ['no device with cameras has told its health'];
  const width = Math.max(6, ...devices.map(({ device }) => device.length));
  const short = (version: string | undefined) => (version ?? 'none').slice(0, 8).padEnd(8);
  return [
    `${'device'.padEnd(width)}  in force  of the store's  fault`,
    ...devices.map(({ device, inForce, ofStore, fault }) =>
      `${device.padEnd(width)}  ${short(inForce)}  ${short(ofStore)}        ${fault ?? ''}`.trimEnd(),
    ),
  ].map(printable);
}

const count = (number: number, word: string) => `${number} ${word}${number === 1 ? '' : 's'}`;
const sizeOf = (bytes: number, parts: number) => `${bytes} bytes in ${count(parts, 'part')}`;
