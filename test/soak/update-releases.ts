import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { makePrivateKey, publicPem } from '#identity/keys.ts';
import { ownFormats } from '#updates/data-keeper.ts';
import { encodeRelease } from '#updates/manifest.ts';
import { file, folder, listOf, manifestOf, type Piece, tarOf } from '../updates/archives.ts';
import { root } from './children.ts';

/** Changes one file of a release. */
export type Patch = Readonly<Record<string, (text: string) => string>>;

export interface MadeRelease {
  readonly version: string;
  readonly archive: Buffer;
  readonly release: Uint8Array;
  readonly manifest: ReturnType<typeof manifestOf>;
}

const maker = makePrivateKey('Ed25519').key;
/** Of whoever makes these releases. */
export const makerPem = publicPem(maker.publicKey);

const entry = 'src/main.ts';
const formatFile = 'src/uplink/outbox-file.ts';

/** One more step of the outbox' format, as a later version would have. */
export const nextOutbox: Patch = {
  [formatFile]: (text) =>
    replaced(
      text,
      '   ) STRICT;`,\n  },\n];',
      "   ) STRICT;`,\n  },\n  { up: 'ALTER TABLE event ADD COLUMN lane INTEGER', down: 'ALTER TABLE event DROP COLUMN lane' },\n];",
    ),
};

/** What is wrong with a release on purpose. */
export const faults = {
  crashes: { [entry]: () => "throw new Error('broken on purpose');\n" },
  /** Some time after it has started, so that the watchdog has to find it. */
  hangs: {
    [entry]: (text: string) => `setTimeout(() => {\n  for (;;);\n}, 15_000);\n${text}`,
  },
  unreachable: {
    [entry]: (text: string) => `process.env.CARTWRIGHT_BROKER__URL = 'mqtt://127.0.0.1:1';\n${text}`,
  },
  /** The probe of the device's board is opened and never says anything. */
  silent: { 'probe.mjs': (text: string) => replaced(text, 'sink({', 'void ({') },
  /** Ends soon after it has started, where there is what makes it end; as a bad message would. */
  poisoned: {
    [entry]: (text: string) =>
      `import { existsSync } from 'node:fs';\nsetInterval(() => {\n  if (existsSync(process.env.POISON ?? '/nonexistent')) process.exit(1);\n}, 500);\n${text}`,
  },
} as const satisfies Record<string, Patch>;

/** A sensor that says something ten times a second. */
const probe = `export default (z) => ({
  contract: 1,
  name: 'probe',
  kind: 'temperature',
  options: z.strictObject({}),
  async open(_options, { id, clock }) {
    let timer;
    return {
      identity: { model: 'probe' },
      faults: { subscribe: () => () => {} },
      async start(sink) {
        timer = setInterval(() => sink({ kind: 'temperature', source: id, atUs: clock.nowUs(), milliCelsius: 20000 }), 100);
      },
      async stop() {
        clearInterval(timer);
      },
    };
  },
});
`;

function replaced(text: string, part: string, by: string): string {
  if (!text.includes(part)) throw new Error(`${part} is not there any more: mend this soak`);
  return text.replace(part, by);
}

/** Makes releases of the sources of the commit that is checked out: real gateways, whose packages lie above them. */
export class ReleaseMaker {
  readonly #files: ReadonlyMap<string, Buffer>;

  constructor() {
    const place = mkdtempSync(join(tmpdir(), 'cartwright-sources-'));
    try {
      const tar = execFileSync('git', ['archive', 'HEAD', 'src', 'drivers', 'boards', 'package.json'], {
        cwd: root,
        maxBuffer: 256 * 1024 * 1024,
      });
      execFileSync('tar', ['-x', '-C', place], { input: tar });
      this.#files = new Map([
        ...filesBelow(place),
        ['probe.mjs', Buffer.from(probe)],
        ['node_modules/.bin/node', Buffer.from(`#!/bin/sh\nexec ${process.execPath} "$@"\n`)],
      ]);
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  }

  make(version: string, ...patches: readonly Patch[]): MadeRelease {
    const files = new Map(this.#files);
    const change = (path: string, by: (text: string) => string) => {
      files.set(path, Buffer.from(by(String(files.get(path) ?? ''))));
    };
    change('package.json', (text) => JSON.stringify({ ...(JSON.parse(text) as object), version }));
    for (const patch of patches) for (const [path, by] of Object.entries(patch)) change(path, by);
    const isNext = patches.includes(nextOutbox);
    const formats = { ...ownFormats, outbox: ownFormats.outbox + (isNext ? 1 : 0) };
    const facts = { version, arch: process.arch as 'x64', formats, firmware: {} };
    const pieces = piecesOf(files);
    const archive = gzipSync(
      tarOf([folder(''), file('release.json', listOf(pieces, facts)), ...pieces], `cartwright-${version}/`),
      { level: 1 },
    );
    const manifest = manifestOf(archive, pieces, facts);
    return { version, archive, manifest, release: encodeRelease(manifest, maker) };
  }
}

function* filesBelow(place: string, at = place): Generator<[string, Buffer]> {
  for (const name of readdirSync(at)) {
    const path = join(at, name);
    if (statSync(path).isDirectory()) yield* filesBelow(place, path);
    else yield [relative(place, path), readFileSync(path)];
  }
}

function piecesOf(files: ReadonlyMap<string, Buffer>): Piece[] {
  const folders = new Set<string>();
  for (const path of files.keys()) {
    const parts = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth++) folders.add(parts.slice(0, depth).join('/'));
  }
  const all = [
    ...[...folders].map((path) => folder(path)),
    ...[...files].map(([path, content]) => file(path, content, path.startsWith('node_modules/.bin/'))),
  ];
  return all.sort((a, b) => (a.entry.path < b.entry.path ? -1 : 1));
}
