import { readFile } from 'node:fs/promises';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { loadCatalogue, loadPlanogram } from '#catalogue/load.ts';
import { parseCatalogue } from '#catalogue/parse.ts';
import type { Catalogue } from '#catalogue/products.ts';
import { encodeRecord } from '#events/codec.ts';
import { recordFromJson } from '#events/json.ts';
import { offersPayload } from '#events/mqtt-payloads.ts';
import { cutIntoParts } from '#uplink/offers.ts';
import { CliError } from './errors.ts';
import type { Shelf } from './shelf.ts';

/** Files that a store gives its devices. */
export interface StoreFiles {
  readonly catalogue?: string | undefined;
  /** Promotions that take the place of the catalogue's own. */
  readonly promotions?: string | undefined;
  /** By device. */
  readonly planograms: ReadonlyMap<string, string>;
  readonly offers?: string | undefined;
}

/** Something that was checked and can be published below `_store`. */
export interface Publication {
  /** `catalogue`, `planogram/cart-0001`, `offers`. */
  readonly what: string;
  readonly version: string;
  readonly bytes: Uint8Array;
  /** Cut into parts with a manifest, or one message. */
  readonly isFile: boolean;
}

/** Reads and checks all files before anything is published. Rejects with CW-CLI-004, CW-CLI-001 or a catalogue's errors. */
export async function readStoreFiles(files: StoreFiles): Promise<Publication[]> {
  const publications: Publication[] = [];
  let catalogue: Catalogue | undefined;
  if (files.catalogue !== undefined) {
    const read = await readCatalogue(files.catalogue, files.promotions);
    catalogue = read.catalogue;
    publications.push({ what: 'catalogue', version: catalogue.version, bytes: read.bytes, isFile: true });
  } else if (files.promotions !== undefined) {
    throw new CliError('CW-CLI-001', '--promotions needs the --catalogue that they go into');
  }
  for (const [device, path] of files.planograms) {
    const { version } = await loadPlanogram(path, catalogue);
    publications.push({ what: `planogram/${device}`, version, bytes: await bytesOf(path), isFile: true });
  }
  if (files.offers !== undefined) publications.push(await readOffers(files.offers, catalogue));
  return publications;
}

/** Publishes what was read. Rejects with CW-CLI-003 or -008. */
export async function publishAll(shelf: Shelf, publications: readonly Publication[]): Promise<void> {
  for (const { what, version, bytes, isFile } of publications) {
    if (!isFile) {
      await shelf.say(what, bytes);
      continue;
    }
    const { manifest, parts } = await cutIntoParts(bytes, version);
    await shelf.publish(what, manifest, parts);
  }
}

async function readCatalogue(
  path: string,
  promotionsPath: string | undefined,
): Promise<{ readonly catalogue: Catalogue; readonly bytes: Uint8Array }> {
  const plain = await loadCatalogue(path);
  if (promotionsPath === undefined) return { catalogue: plain, bytes: await bytesOf(path) };
  const document = await jsonOf(path);
  const { version, promotions } = await jsonOf(promotionsPath);
  if (typeof version !== 'string' || !Array.isArray(promotions)) {
    throw new CliError(
      'CW-CLI-001',
      `${promotionsPath} must be {"version": "…", "promotions": […]}, with promotions as in a catalogue`,
    );
  }
  // A catalogue with other promotions is another version of it.
  const merged = { ...document, version: `${plain.version}+${version}`, promotions };
  const catalogue = parseCatalogue(merged, `${path} with ${promotionsPath}`);
  return { catalogue, bytes: Buffer.from(JSON.stringify(merged)) };
}

async function readOffers(path: string, catalogue: Catalogue | undefined): Promise<Publication> {
  const document = await jsonOf(path);
  try {
    const offers = recordFromJson(offersPayload, document);
    const strange = offers.deals
      .flatMap(({ products }) => products)
      .filter((key) => catalogue !== undefined && !catalogue.byGtin.has(key) && !catalogue.byPlu.has(key));
    if (strange.length > 0) {
      throw new Error(`the catalogue has no ${strange.slice(0, 5).join(', ')}`);
    }
    return {
      what: 'offers',
      version: offers.version,
      bytes: encodeRecord(offersPayload, offers),
      isFile: false,
    };
  } catch (cause) {
    throw new CliError(
      'CW-CLI-001',
      `${path} holds no deals (docs/mqtt.md, offers): ${describeError(cause)}`,
      {
        cause,
      },
    );
  }
}

async function jsonOf(path: string): Promise<Record<string, unknown>> {
  const text = Buffer.from(await bytesOf(path)).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (cause) {
    throw new CliError('CW-CLI-001', `${path} is not valid JSON: ${describeError(cause)}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CliError('CW-CLI-001', `${path} is no JSON object`);
  }
  return value as Record<string, unknown>;
}

async function bytesOf(path: string): Promise<Uint8Array> {
  return await readFile(path).catch((cause: unknown) => {
    throw new CliError('CW-CLI-004', `${path} can't be read: ${plainCause(cause)}`, { cause });
  });
}
