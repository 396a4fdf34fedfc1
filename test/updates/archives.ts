import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { TestFn } from 'ava';
import { writeContents } from '#updates/contents.ts';
import type { ReleaseFacts } from '#updates/facts.ts';
import type { ReleaseManifest } from '#updates/manifest.ts';
import { type Entry, paddingOf, writeHeader } from '#updates/tar.ts';

/** One entry of an archive that a test makes: what a release would have, or what it never has. */
export interface Piece {
  readonly entry: Entry;
  readonly content: Buffer;
  /** Changes the header after it was made; its checksum is made anew. */
  readonly spoil?: (header: Buffer) => void;
}

export const modifiedS = 1_795_000_000;

export const facts: ReleaseFacts = {
  release: 1,
  version: '1.2.3',
  arch: 'x64',
  unpackedBytes: 0,
  createdMs: modifiedS * 1_000,
  firmware: { 'load-cell-bridge': '1.4.0' },
  formats: { configuration: 1, outbox: 3, calibration: 1 },
};

export const folder = (path: string): Piece => ({
  entry: { type: 'folder', path, executable: true, bytes: 0, modifiedS },
  content: Buffer.alloc(0),
});
export const file = (path: string, text: string | Buffer = path, executable = false): Piece => ({
  entry: { type: 'file', path, executable, bytes: Buffer.from(text).length, modifiedS },
  content: Buffer.from(text),
});
export const link = (path: string, target: string): Piece => ({
  entry: { type: 'link', path, executable: true, bytes: 0, modifiedS, target },
  content: Buffer.alloc(0),
});

/** A small release: folders, files, a program and a link to it. Paths are those inside the release. */
export const smallRelease: readonly Piece[] = [
  file('README.md', 'Read me.\n'),
  folder('bin'),
  link('bin/cart', '../lib/cart'),
  folder('lib'),
  file('lib/cart', '#!/bin/sh\n', true),
  file('lib/empty', ''),
  file('lib/large', Buffer.alloc(300_000, 7)),
];

/** The list of these pieces, as release.json holds it. */
export function listOf(pieces: readonly Piece[], changed: Partial<ReleaseFacts> = {}): string {
  const files = pieces.filter(({ entry }) => entry.type === 'file');
  return writeContents({
    ...facts,
    unpackedBytes: files.reduce((sum, { content }) => sum + content.length, 0),
    ...changed,
    files: Object.fromEntries(
      files.map(({ entry: { path, executable }, content }) => [
        path,
        {
          bytes: content.length,
          sha256: createHash('sha256').update(content).digest('hex'),
          ...(executable ? { executable: true as const } : {}),
        },
      ]),
    ),
    links: Object.fromEntries(
      pieces.flatMap(({ entry }) => (entry.target === undefined ? [] : [[entry.path, entry.target]])),
    ),
  });
}

/** The pieces as a tar, not compressed: `top` before every path. */
export function tarOf(pieces: readonly Piece[], top = 'cartwright-1.2.3/', end = 1_024): Buffer {
  return Buffer.concat([
    ...pieces.flatMap(({ entry, content, spoil }) => {
      const path = (top + entry.path).replace(/\/$/, '');
      const header = writeHeader({ ...entry, path });
      if (spoil !== undefined) {
        spoil(header);
        seal(header);
      }
      return [header, content, Buffer.alloc(paddingOf(content.length))];
    }),
    Buffer.alloc(end),
  ]);
}

/** Puts a header's checksum right. */
export function seal(header: Buffer): void {
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}

/** A whole archive with its true list: `extra` pieces are in the archive alone, after those that are listed. */
export function archiveOf(
  listed: readonly Piece[] = smallRelease,
  { extra = [] }: { extra?: readonly Piece[] } = {},
): Buffer {
  return gzipSync(tarOf([folder(''), file('release.json', listOf(listed)), ...listed, ...extra]));
}

/** A description that fits these bytes: whoever made the archive signed it, too. */
export function manifestOf(
  archive: Buffer,
  listed: readonly Piece[] = smallRelease,
  changed: Partial<ReleaseManifest> = {},
): ReleaseManifest {
  return {
    ...facts,
    unpackedBytes: listed.reduce((sum, { content }) => sum + content.length, 0),
    bytes: archive.length,
    sha256: createHash('sha256').update(archive).digest('hex'),
    ...changed,
  };
}

/** Scratch folders of a test file, removed at its end. */
export function scratch(test: TestFn): (name: string, content?: Buffer | string) => string {
  const root = mkdtempSync(join(tmpdir(), 'cartwright-release-'));
  test.after.always(() => rmSync(root, { recursive: true, force: true }));
  let count = 0;
  return (name, content) => {
    const path = join(root, `${count++}-${name}`);
    if (content !== undefined) writeFileSync(path, content);
    return path;
  };
}
