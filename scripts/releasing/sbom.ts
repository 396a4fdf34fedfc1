import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReleaseFacts } from '#updates/facts.ts';
import { licenceOf } from './licences.ts';
import type { Packed } from './pack.ts';
import type { Locked, Shipped } from './packages.ts';

/** A component as CycloneDX 1.6 has it (ECMA-424): the part that is used here. */
interface Component {
  readonly type: 'application' | 'library' | 'firmware' | 'platform';
  readonly 'bom-ref'?: string;
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly licenses?: readonly Licence[];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly cpe?: string;
  readonly purl?: string;
  readonly components?: readonly Component[];
}
type Licence = { readonly expression: string } | { readonly license: { readonly name: string } };

/** An SPDX expression of identifiers; other words are names. */
const spdx = /^\(?[A-Za-z0-9.+-]+(?: (?:OR|AND|WITH) \(?[A-Za-z0-9.+-]+\)?)*\)?$/;

/** The bill of materials of a release, CycloneDX 1.6 in JSON: every shipped package by the lock file's hash, with what needs what. */
export async function billOfMaterials(
  facts: Omit<ReleaseFacts, 'unpackedBytes'>,
  packed: Pick<Packed, 'sha256'>,
  packages: readonly Shipped[],
  direct: readonly string[],
): Promise<string> {
  const ours = `pkg:generic/cartwright@${facts.version}?arch=${facts.arch}`;
  const places = new Map(packages.map((one) => [one.place, referenceOf(one)]));
  const components = await Promise.all(packages.map(componentOf));
  const firmware = Object.entries(facts.firmware).map(
    ([name, version]): Component => ({
      type: 'firmware',
      'bom-ref': `pkg:generic/${name}@${version}`,
      name,
      version,
      licenses: [{ expression: 'Apache-2.0' }],
    }),
  );
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(packed.sha256)}`,
    version: 1,
    metadata: {
      timestamp: new Date(facts.createdMs).toISOString(),
      lifecycles: [{ phase: 'build' }],
      component: {
        type: 'application',
        'bom-ref': ours,
        name: 'cartwright',
        version: facts.version,
        hashes: [{ alg: 'SHA-256', content: packed.sha256 }],
        licenses: [{ expression: 'Apache-2.0' }],
        purl: ours,
      } satisfies Component,
    },
    components: [...components, ...firmware],
    dependencies: [
      {
        ref: ours,
        dependsOn: unique([
          ...direct.flatMap((name) => places.get(`node_modules/${name}`) ?? []),
          ...firmware.flatMap((one) => one['bom-ref'] ?? []),
        ]),
      },
      ...packages.map((one) => ({ ref: referenceOf(one), dependsOn: neededBy(one, places) })),
      ...firmware.map((one) => ({ ref: one['bom-ref'], dependsOn: [] })),
    ],
  };
  return `${JSON.stringify(bom, null, 1)}\n`;
}

/** Two places may hold the same version of a package, as an alias does: each is a component of its own. */
function referenceOf({ place, name, locked }: Shipped): string {
  const purl = purlOf(name, locked);
  return place === `node_modules/${locked.name ?? name}` ? purl : `${purl}#${place}`;
}

async function componentOf(shipped: Shipped): Promise<Component> {
  const { name, locked, folder } = shipped;
  const published = locked.name ?? name;
  const [group, short] = published.startsWith('@') ? published.split('/') : [undefined, published];
  const licence = await licenceOf(folder, locked.license);
  const [algorithm, digest] = (locked.integrity ?? '').split('-');
  const bundled = await bundledIn(shipped);
  return {
    type: name.startsWith('node-linux-') ? 'platform' : 'library',
    'bom-ref': referenceOf(shipped),
    ...(group === undefined ? {} : { group }),
    name: short ?? published,
    version: locked.version,
    ...(algorithm === 'sha512' && digest !== undefined
      ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }] }
      : {}),
    licenses: [spdx.test(licence) ? { expression: licence } : { license: { name: licence } }],
    ...(name.startsWith('node-linux-')
      ? { cpe: `cpe:2.3:a:nodejs:node.js:${locked.version}:*:*:*:*:*:*:*` }
      : {}),
    purl: purlOf(name, locked),
    ...(bundled.length === 0 ? {} : { components: bundled }),
  };
}

/** Libraries that a package of native parts says are compiled into it. */
async function bundledIn({ name, folder, files }: Shipped): Promise<Component[]> {
  if (!name.startsWith('@img/sharp-libvips-') || !files.includes('versions.json')) return [];
  const versions = JSON.parse(await readFile(join(folder, 'versions.json'), 'utf8')) as Record<
    string,
    string
  >;
  return Object.entries(versions)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([library, version]) => ({ type: 'library', name: library, version }));
}

/** https://github.com/package-url/purl-spec, type npm. */
function purlOf(name: string, locked: Locked): string {
  return `pkg:npm/${(locked.name ?? name).replace('@', '%40')}@${locked.version}`;
}

/** The packages that this one gets when it asks for what it depends on: the nearest of each name, as Node.js looks. */
function neededBy({ place, locked }: Shipped, places: ReadonlyMap<string, string>): string[] {
  const { dependencies, optionalDependencies, peerDependencies } = locked;
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  return unique(
    names.flatMap((name) => {
      for (let at = `${place}/`; ; at = at.slice(0, at.lastIndexOf('node_modules/'))) {
        const found = places.get(`${at}node_modules/${name}`);
        if (found !== undefined) return [found];
        if (at === '') break;
      }
      return [];
    }),
  );
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

/** A UUID (version 8, RFC 9562) of a hash, so that the same release has the same one. */
function uuidOf(sha256: string): string {
  const variant = ((Number.parseInt(sha256.slice(16, 17), 16) & 3) | 8).toString(16);
  return [
    sha256.slice(0, 8),
    sha256.slice(8, 12),
    `8${sha256.slice(13, 16)}`,
    `${variant}${sha256.slice(17, 20)}`,
    sha256.slice(20, 32),
  ].join('-');
}
