import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { appendFile, chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { isCoded } from '#base/errors.ts';
import { unpack } from '#updates/archive.ts';
import { checkUnpacked, readContents } from '#updates/contents.ts';
import { readHeader } from '#updates/tar.ts';
import {
  archiveOf,
  file,
  folder,
  link,
  listOf,
  manifestOf,
  modifiedS,
  type Piece,
  scratch,
  smallRelease,
  tarOf,
} from './archives.ts';

const path = scratch(test);

/** Unpacks bytes whose maker signed them as they are; what remains afterwards is looked at as well. */
async function codeOf(archive: Buffer, listed = smallRelease): Promise<string> {
  const target = path('target');
  try {
    await unpack(path('archive', archive), target, manifestOf(archive, listed));
    return 'taken';
  } catch (error) {
    if (!isCoded(error)) throw error;
    const ours = [basename(target), `.${basename(target)}.part`];
    const left = readdirSync(dirname(target)).filter((name) => ours.includes(name));
    return left.length === 0 ? error.code : `${error.code}, and leaves ${left.join(', ')}`;
  }
}

/** The archive with one piece more than a release has, listed or not as it can be. */
const withExtra = (...extra: Piece[]) => archiveOf(smallRelease, { extra });

test('an archive is unpacked as it was made, for everybody to read', async (t) => {
  const archive = archiveOf();
  const target = path('target');
  const module = join(import.meta.dirname, '../../src/updates/archive.ts');
  const program = `import(process.argv[1]).then(({ unpack }) => unpack(...JSON.parse(process.argv[2])))`;
  const args = [path('archive', archive), target, manifestOf(archive)];
  const command = 'umask 077; exec "$@"';
  execFileSync('sh', ['-c', command, 'sh', process.execPath, '-e', program, module, JSON.stringify(args)]);
  t.is(readFileSync(join(target, 'README.md'), 'utf8'), 'Read me.\n');
  t.is(readlinkSync(join(target, 'bin/cart')), '../lib/cart');
  t.is(lstatSync(join(target, 'lib/cart')).mode & 0o7777, 0o755);
  t.is(lstatSync(join(target, 'lib/large')).mode & 0o7777, 0o644);
  t.is(lstatSync(join(target, 'lib')).mode & 0o7777, 0o755);
  t.is(lstatSync(target).mode & 0o7777, 0o755);
  t.is(lstatSync(join(target, 'release.json')).mtimeMs, modifiedS * 1_000);
  t.is((await checkUnpacked(target)).version, '1.2.3');
});

test("the system's own tar reads an archive as this one does", async (t) => {
  const archive = archiveOf();
  const target = path('tar');
  await mkdir(target);
  execFileSync('tar', ['-xzf', path('archive', archive), '-C', target]);
  t.is((await checkUnpacked(join(target, 'cartwright-1.2.3'))).arch, 'x64');
});

test('what another attempt left half-done is replaced', async (t) => {
  const archive = archiveOf();
  const target = path('target');
  const part = join(dirname(target), `.${basename(target)}.part`);
  await mkdir(join(part, 'lib'), { recursive: true });
  await writeFile(join(part, 'lib/cart'), 'half');
  await unpack(path('archive', archive), target, manifestOf(archive));
  t.false(existsSync(part));
  await t.notThrowsAsync(checkUnpacked(target));
});

test('a release that is there already is not written over', async (t) => {
  const archive = archiveOf();
  const target = path('target');
  await mkdir(target);
  await writeFile(join(target, 'mine'), 'mine');
  await t.throwsAsync(unpack(path('archive', archive), target, manifestOf(archive)), { code: 'CW-UPD-016' });
  t.deepEqual(readdirSync(target), ['mine']);
});

test('an archive of other bytes than those that were signed is refused, whatever is wrong inside', async (t) => {
  const archive = archiveOf();
  const manifest = manifestOf(archive);
  const attempt = (bytes: Buffer) => unpack(path('archive', bytes), path('target'), manifest);
  await t.throwsAsync(attempt(archive.subarray(0, -1)), { code: 'CW-UPD-011' });
  await t.throwsAsync(attempt(Buffer.concat([archive, Buffer.alloc(1)])), { code: 'CW-UPD-011' });
  await fc.assert(
    fc.asyncProperty(fc.nat(archive.length - 1), fc.nat(7), async (at, bit) => {
      const spoiled = Buffer.from(archive);
      spoiled[at] = (spoiled[at] ?? 0) ^ (1 << bit);
      await t.throwsAsync(attempt(spoiled), { code: 'CW-UPD-011' });
    }),
    { seed: 4, numRuns: 40 },
  );
});

test('an archive that was signed truncated, or with more behind it, is refused', async (t) => {
  const archive = archiveOf();
  t.is(await codeOf(archive), 'taken');
  t.is(await codeOf(archive.subarray(0, -9)), 'CW-UPD-010');
  t.is(await codeOf(Buffer.concat([archive, Buffer.alloc(512)])), 'CW-UPD-010');
  t.is(await codeOf(Buffer.concat([archive, Buffer.from('more')])), 'CW-UPD-010');
  const pieces = [folder(''), file('release.json', listOf(smallRelease)), ...smallRelease];
  const whole = tarOf(pieces);
  t.is(await codeOf(gzipSync(Buffer.concat([whole, Buffer.alloc(512)]))), 'CW-UPD-010');
  t.is(await codeOf(gzipSync(tarOf(pieces, undefined, 512))), 'CW-UPD-010');
  t.is(await codeOf(gzipSync(tarOf(pieces, undefined, 0))), 'CW-UPD-010');
  t.is(await codeOf(gzipSync(whole.subarray(0, -1_500))), 'CW-UPD-010');
  t.is(await codeOf(whole), 'CW-UPD-010');
  t.is(await codeOf(Buffer.from('no archive')), 'CW-UPD-010');
});

test('no path leads out of the folder', async (t) => {
  const names = [
    '../outside',
    'lib/../../outside',
    '/etc/passwd',
    './README',
    'lib//double',
    'lib/.',
    'a\\b',
    'c:d',
  ];
  for (const name of names) {
    t.throws(() => listOf([file(name)]), { code: 'CW-UPD-012' }, name);
    t.is(await codeOf(withExtra(file(name))), 'CW-UPD-012', name);
    t.is(await codeOf(gzipSync(tarOf([...start(), file(name)], ''))), 'CW-UPD-012', name);
  }
  t.throws(() => listOf([file(`long/${'x'.repeat(250)}`)]), { code: 'CW-UPD-012' });
  t.throws(() => listOf([file('with\nnewline')]), { code: 'CW-UPD-012' });
});

test('no link leads anywhere but to a file of the release', async (t) => {
  const targets = [
    '/etc/passwd',
    '../../etc/passwd',
    '..',
    '../lib',
    'lib/../../x',
    '../bin/cart',
    './cart',
    'gone',
  ];
  for (const target of targets) {
    t.throws(() => listOf([...smallRelease, link('bin/other', target)]), { code: 'CW-UPD-012' }, target);
    t.is(await codeOf(withExtra(link('bin/other', target))), 'CW-UPD-014', target);
  }
});

test('nothing is written through a link', async (t) => {
  const listed = [link('a', 'lib/cart'), folder('lib'), file('lib/cart')];
  t.throws(() => listOf([...listed, file('a/inside')]), { code: 'CW-UPD-013' });
  t.is(await codeOf(archiveOf(listed, { extra: [file('a/inside')] }), listed), 'CW-UPD-012');
});

test('folders come before what lies in them', async (t) => {
  const listed = [file('lib/cart'), folder('lib')];
  t.is(await codeOf(archiveOf(listed), listed), 'CW-UPD-012');
});

test('hard links, devices, pipes and extended headers are refused', async (t) => {
  for (const flag of ['1', '3', '4', '6', '7', 'x', 'g', 'L', 'K', 'S', 'V', '\0', 'Z']) {
    const piece = { ...file('other'), spoil: (header: Buffer) => void header.write(flag, 156, 'latin1') };
    t.is(await codeOf(withExtra(piece)), 'CW-UPD-012', flag);
  }
});

test('no mode but a file, a program and a folder has, and no owner but root', async (t) => {
  const spoiling = (at: number, digits: string): Piece => ({
    ...file('other'),
    spoil: (header) => void header.write(`${digits}\0`, at, 'latin1'),
  });
  for (const mode of ['0004755', '0002755', '0001644', '0000666', '0000777', '0000600', '0000000'])
    t.is(await codeOf(withExtra(spoiling(100, mode))), 'CW-UPD-012', mode);
  t.is(await codeOf(withExtra(spoiling(108, '0001750'))), 'CW-UPD-012');
  t.is(await codeOf(withExtra(spoiling(116, '0001750'))), 'CW-UPD-012');
});

test('a name that is there twice is refused, also where case or Unicode form alone differ', async (t) => {
  const doubles: [string, string][] = [
    ['lib/Cart', 'lib/cart'],
    ['LIB/other', 'lib/cart'],
    ['caf\u00e9', 'cafe\u0301'],
    ['\ufb01le', 'file'],
    ['Release.json', 'README.md'],
  ];
  for (const [one, other] of doubles)
    t.throws(() => listOf([file(one), file(other)]), { code: 'CW-UPD-013' }, `${one} ${other}`);
  t.is(await codeOf(withExtra(file('lib/cart'))), 'CW-UPD-013');
  t.is(await codeOf(withExtra(folder('lib'))), 'CW-UPD-013');
  t.is(await codeOf(withExtra(file('release.json', '{}'))), 'CW-UPD-014');
});

test('an archive holds what its list says, all of it and nothing else', async (t) => {
  t.is(await codeOf(withExtra(file('not-listed'))), 'CW-UPD-014');
  t.is(await codeOf(withExtra(folder('not-listed'))), 'CW-UPD-014');
  const without = (name: string) => smallRelease.filter(({ entry }) => entry.path !== name);
  const list = file('release.json', listOf(smallRelease));
  for (const name of ['README.md', 'bin/cart', 'lib/empty'])
    t.is(await codeOf(gzipSync(tarOf([folder(''), list, ...without(name)]))), 'CW-UPD-014', name);
  const changed: [string, Piece][] = [
    ['README.md', file('README.md', 'Read it.\n')],
    ['README.md', file('README.md', 'longer than it was')],
    ['README.md', file('README.md', 'Read me.\n', true)],
    ['README.md', link('README.md', 'lib/cart')],
    ['bin/cart', link('bin/cart', '../lib/large')],
    ['bin/cart', file('bin/cart')],
  ];
  for (const [name, piece] of changed) {
    const pieces = smallRelease.map((kept) => (kept.entry.path === name ? piece : kept));
    t.is(await codeOf(gzipSync(tarOf([folder(''), list, ...pieces]))), 'CW-UPD-014', name);
  }
});

test('sizes that are stated and not there take nothing from the disk', async (t) => {
  const huge = (digits: string): Piece => ({
    ...file('lib/other', ''),
    spoil: (header) => void header.write(`${digits}\0`, 124, 'latin1'),
  });
  t.is(await codeOf(withExtra(huge('77777777777'))), 'CW-UPD-014');
  const base256 = { ...file('lib/other', ''), spoil: (header: Buffer) => void header.writeUInt8(0x80, 124) };
  t.is(await codeOf(withExtra(base256)), 'CW-UPD-010');
  t.throws(() => listOf(smallRelease, { unpackedBytes: 5 }), { code: 'CW-UPD-015' });
  const bomb = [file('bomb', Buffer.alloc(20_000_000))];
  const archive = archiveOf(bomb);
  t.is(await codeOf(archive), 'CW-UPD-015');
});

test('the list of files is that of the signed description', async (t) => {
  const archive = archiveOf();
  for (const changed of [
    { version: '1.2.4' },
    { arch: 'arm64' },
    { from: '1.0.0' },
    { createdMs: 5 },
  ] as const) {
    const target = path('target');
    const error = await t.throwsAsync(
      unpack(path('archive', archive), target, manifestOf(archive, smallRelease, changed)),
    );
    t.regex((error as { code?: string }).code ?? '', /^CW-UPD-01[25]$/);
    t.false(existsSync(target));
  }
  for (const text of ['', '{', '[]', '{"release":1}'])
    t.is(
      await codeOf(gzipSync(tarOf([folder(''), file('release.json', text), ...smallRelease]))),
      'CW-UPD-015',
    );
  t.is(await codeOf(gzipSync(tarOf([folder(''), ...smallRelease]))), 'CW-UPD-015');
  t.is(await codeOf(gzipSync(tarOf([file('release.json', listOf(smallRelease))]))), 'CW-UPD-012');
});

test('what lies in place of an archive is looked at before it is read', async (t) => {
  const manifest = manifestOf(archiveOf());
  const pipe = path('pipe');
  execFileSync('mkfifo', [pipe]);
  for (const source of [pipe, path('missing'), dirname(pipe)])
    await t.throwsAsync(unpack(source, path('target'), manifest), { code: 'CW-UPD-010' });
});

test('a disk that can not be written is told as such', async (t) => {
  const archive = archiveOf();
  const under = path('file', 'a file, where a folder has to be');
  await t.throwsAsync(unpack(path('archive', archive), join(under, '1.2.3'), manifestOf(archive)), {
    code: 'CW-UPD-016',
  });
});

test('an unpacked release that was touched is found out, file by file', async (t) => {
  const fresh = async () => {
    const archive = archiveOf();
    const target = path('target');
    await unpack(path('archive', archive), target, manifestOf(archive));
    return target;
  };
  const touches: [string, string, (target: string) => Promise<unknown>][] = [
    ['CW-UPD-017', 'lib/large: it has', (target) => appendFile(join(target, 'lib/large'), 'x')],
    ['CW-UPD-017', 'README.md: its content', (target) => writeFile(join(target, 'README.md'), 'Read ME.\n')],
    ['CW-UPD-017', 'lib/cart: it is missing', (target) => rm(join(target, 'lib/cart'))],
    ['CW-UPD-017', 'lib/cart: it is not exec', (target) => chmod(join(target, 'lib/cart'), 0o644)],
    ['CW-UPD-017', 'lib/empty: its mode', (target) => chmod(join(target, 'lib/empty'), 0o666)],
    ['CW-UPD-017', 'extra: it is not of', (target) => writeFile(join(target, 'extra'), '')],
    ['CW-UPD-017', 'more: it is not of', (target) => mkdir(join(target, 'more'))],
    [
      'CW-UPD-017',
      'README.md: it is no file',
      async (target) => {
        await rm(join(target, 'README.md'));
        await symlink('lib/large', join(target, 'README.md'));
      },
    ],
    [
      'CW-UPD-017',
      'bin/cart: it leads to',
      async (target) => {
        await rm(join(target, 'bin/cart'));
        await symlink('/bin/sh', join(target, 'bin/cart'));
      },
    ],
    ['CW-UPD-015', 'release.json', (target) => writeFile(join(target, 'release.json'), '')],
    ['CW-UPD-015', 'release.json', (target) => rm(join(target, 'release.json'))],
  ];
  for (const [code, words, touch] of touches) {
    const target = await fresh();
    await touch(target);
    const error = await t.throwsAsync(checkUnpacked(target), { code });
    t.true(error?.message.includes(words), `${error?.message} names ${words}`);
  }
});

test('whatever bytes a header has, it is read or refused with a code', (t) => {
  const header = tarOf([file('some/file')], '').subarray(0, 512);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(511), fc.nat(255)), { minLength: 1, maxLength: 6 }), (changes) => {
      const spoiled = Buffer.from(header);
      for (const [at, byte] of changes) spoiled[at] = byte;
      try {
        readHeader(spoiled);
      } catch (error) {
        t.true(isCoded(error));
      }
    }),
    { seed: 5, numRuns: 500 },
  );
  t.pass();
});

test('whatever text a list has, it is read or refused with a code', (t) => {
  const text = listOf(smallRelease);
  fc.assert(
    fc.property(fc.nat(text.length), fc.nat(40), fc.string({ maxLength: 5 }), (at, length, instead) => {
      try {
        readContents(text.slice(0, at) + instead + text.slice(at + length));
      } catch (error) {
        t.true(isCoded(error));
      }
    }),
    { seed: 6, numRuns: 300 },
  );
  t.pass();
});

function start(): Piece[] {
  return [folder('cartwright-1.2.3'), file('cartwright-1.2.3/release.json', listOf(smallRelease))];
}
