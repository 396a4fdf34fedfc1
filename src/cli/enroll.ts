import type { Command } from 'commander';
import { type BrokerOptions, withBroker } from './broker.ts';
import type { ConfigChoice } from './config-file.ts';
import { Device } from './enroll-device.ts';
import { chooseModel, GalleryOnDisk, productNumber } from './enroll-file.ts';
import type { Embedded, EnrolOptions, Gallery, Looks } from './enroll-gallery.ts';
import { embedFiles } from './enroll-pictures.ts';
import { listLines, reportLines } from './enroll-report.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit.ts';
import { withKey } from './key-files.ts';
import { notice, printable, printJson } from './terminal.ts';
import { integerFrom, nameFrom, secondsFrom } from './values.ts';

interface EnrollCommand extends EnrolOptions, BrokerOptions, ConfigChoice {
  readonly gallery?: string;
  readonly model?: string;
  readonly store?: string;
  readonly device?: string;
  readonly camera?: string;
  readonly plate?: string;
  readonly captures: number;
  readonly every: number;
  readonly timeout: number;
  readonly key?: string;
  readonly remove?: boolean;
  readonly list?: boolean;
  readonly json?: boolean;
}

/** `cartwright enroll`: teaches a gallery, in a file or of a running device, how a product looks. */
export function registerEnroll(program: Command): void {
  const command = program
    .command('enroll')
    .description('teach cameras a product by a few pictures of it')
    .argument(
      '[pictures...]',
      'JPEG, PNG or WebP, of one product that fills the frame; five are a good number',
    )
    .option('--gtin <digits>', 'the product: its GTIN,')
    .option('--plu <digits>', 'its PLU')
    .option('--look <key>', "or its key in the gallery (the catalogue's look)")
    .option('--gallery <file>', 'gallery (default: that of the configuration)')
    .option('--model <path>', 'model that looks at the pictures (default: that of the configuration)')
    .option('-c, --config <file>', 'configuration, whose gallery, model and catalogue are meant')
    .option('-s, --store <name>', 'enrol on a running device: its store', nameFrom('--store'))
    .option('-d, --device <name>', 'and its name', nameFrom('--device'))
    .option(
      '--camera <id>',
      "take pictures with a camera of that device: hold the product into its view's middle",
    )
    .option('--plate <id>', 'the plate that the camera looks at')
    .option('--captures <n>', 'how many pictures it takes', integerFrom('--captures', 1, 64), 5)
    .option('--every <seconds>', 'time to turn the product between them', secondsFrom('--every'), 3)
    .option('--timeout <seconds>', 'how long to wait for an answer', secondsFrom('--timeout'), 15)
    .option('--replace', 'forget what is known of the product, instead of adding to it')
    .option('--keep-all', 'keep pictures that seem to show something else')
    .option('--remove', 'forget the product')
    .option('--list', 'list what the gallery holds')
    .option('--json', 'print as JSON');
  withBroker(withKey(command))
    .addHelpText(
      'after',
      `
Pictures are embedded here, on this machine, and with --camera on the device: only embeddings travel, never pictures.
A picture that shows something else than the others is left out and named. A warning tells which other product looks so
much alike that the two will be taken for each other. Exit code 1 where a picture was left out or a warning is given.
What is enrolled again is added to; --replace begins anew. One gallery for all devices of a store: scripts/cartwright gallery.

Examples:
  scripts/cartwright enroll --gtin 4006381333931 front.jpg back.jpg left.jpg right.jpg top.jpg
  scripts/cartwright enroll --plu 4011 bananas-*.jpg --gallery /tmp/gallery.cwg
  scripts/cartwright enroll --plu 4011 bananas-*.jpg -s demo-store -d cart-0001
  scripts/cartwright enroll --plu 4011 --camera basket-camera --plate basket -s demo-store -d cart-0001
  scripts/cartwright enroll --list`,
    )
    .action(runEnroll);
}

async function runEnroll(pictures: string[], options: EnrollCommand): Promise<void> {
  checkUsage(pictures, options);
  const device = await deviceOf(options);
  try {
    const gallery = device ?? (await GalleryOnDisk.open(options));
    if (options.list === true) showList(await gallery.list(), gallery.name, options);
    else if (options.remove === true) await remove(gallery, options);
    else {
      const { camera, plate = '' } = options;
      const embedded =
        device !== undefined && camera !== undefined
          ? await device.capture({ ...options, camera, plate })
          : await embedFiles(
              gallery instanceof GalleryOnDisk ? gallery.model : await chooseModel(options),
              pictures,
            );
      await enroll(gallery, embedded, options);
    }
    if (device === undefined && options.gallery === undefined && options.list !== true) {
      notice('a gateway that runs has it after its next start, and at once with --store and --device');
    }
  } finally {
    await device?.close();
  }
}

async function deviceOf(options: EnrollCommand): Promise<Device | undefined> {
  const { store, device } = options;
  if (store === undefined || device === undefined) return undefined;
  return await Device.connect({ ...options, store, device });
}

/** Throws CW-CLI-001 where options don't go together. */
function checkUsage(pictures: readonly string[], options: EnrollCommand): void {
  const wrong = (message: string) => new CliError('CW-CLI-001', message);
  const { gtin, plu, look, camera, plate, store, device, gallery } = options;
  const named = [gtin, plu, look].filter((name) => name !== undefined).length;
  const actions = [options.list === true, options.remove === true, pictures.length > 0, camera !== undefined];
  if (actions.filter(Boolean).length !== 1) {
    throw wrong('give either pictures, --camera, --remove or --list');
  }
  if (options.list !== true && named !== 1) throw wrong('name the product by either --gtin, --plu or --look');
  if (options.list === true && named > 0) throw wrong('--list shows all products; leave the product out');
  if (gtin !== undefined || plu !== undefined) productNumber(options);
  if ((store === undefined) !== (device === undefined)) throw wrong('--store and --device belong together');
  if (store !== undefined && gallery !== undefined) {
    throw wrong('--gallery is a file, --device a running gateway with its own gallery; give one');
  }
  if (camera === undefined) return;
  if (store === undefined) throw wrong('--camera needs a running device: --store and --device');
  if (plate === undefined) throw wrong('--camera needs --plate: the plate that it looks at');
}

async function enroll(gallery: Gallery, embedded: Embedded, options: EnrollCommand): Promise<void> {
  for (const why of embedded.failed) notice(printable(why));
  const told = await gallery.enroll(embedded, options);
  const { lines, warned } = reportLines(told, embedded.names, gallery.name);
  if (options.json) printJson({ ...told, files: embedded.names, failed: embedded.failed });
  else process.stdout.write(`${lines.join('\n')}\n`);
  if (warned || embedded.failed.length > 0) process.exitCode = exitCodes.findings;
}

async function remove(gallery: Gallery, options: EnrollCommand): Promise<void> {
  const { look, removed } = await gallery.remove(options);
  if (options.json) printJson({ look, removed });
  else {
    const what = removed ? 'is forgotten' : 'was not there';
    process.stdout.write(`${printable(look)} ${what} (${printable(gallery.name)})\n`);
  }
  if (!removed) process.exitCode = exitCodes.findings;
}

function showList(looks: Looks, name: string, { json }: EnrollCommand): void {
  if (json) printJson(looks);
  else process.stdout.write(`${listLines(looks, name).join('\n')}\n`);
}
