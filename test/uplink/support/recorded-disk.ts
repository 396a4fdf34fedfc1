import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Random } from '#base/random.ts';

/** One thing that a process did to its files, in order. */
export type DiskOperation =
  | { readonly kind: 'create' | 'unlink' | 'sync'; readonly name: string }
  | { readonly kind: 'write'; readonly name: string; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'truncate'; readonly name: string; readonly size: number }
  | { readonly kind: 'sync-folder' }
  | { readonly kind: 'say'; readonly text: string };

type Change = Extract<DiskOperation, { kind: 'write' | 'truncate' }>;

/** `\x2f\x74` as `strace -xx` writes strings. */
function unquote(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex');
}

/** The lines of each thread, with calls that strace tore apart put together where they ended. */
function* wholeCalls(trace: string): Generator<string> {
  const begun = new Map<string, string>();
  for (const line of trace.split('\n')) {
    const space = line.indexOf(' ');
    const thread = line.slice(0, space);
    const call = line.slice(space).trim();
    if (call.endsWith('<unfinished ...>')) {
      begun.set(thread, call.slice(0, -'<unfinished ...>'.length).trimEnd());
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(call);
    yield resumed === null ? call : (begun.get(thread) ?? '') + call.slice(resumed[0].length);
  }
}

/** Reads what `strace -f -y -xx -s 1000000` recorded about the files of one folder, and what was said on fd 1. */
export function readTrace(trace: string, folder: string): DiskOperation[] {
  const operations: DiskOperation[] = [];
  const alive = new Set<string>();
  const inFolder = (path: string) => path.startsWith(`${folder}/`);
  for (const call of wholeCalls(trace)) {
    const name = call.slice(0, call.indexOf('('));
    const strings = [...call.matchAll(/"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g)];
    if (strings.some((match) => match[2] !== undefined)) throw new Error('strace cut a string');
    const descriptor = /^\w+\((\d+)<((?:\\x[0-9a-f]{2})*)>/.exec(call);
    const path = descriptor?.[2] === undefined ? '' : unquote(descriptor[2]).toString();
    const result = Number(/= (-?\d+)/.exec(call)?.[1] ?? -1);
    const text = strings[0]?.[1] === undefined ? Buffer.alloc(0) : unquote(strings[0][1]);
    if (name === 'write' && descriptor?.[1] === '1') {
      operations.push({ kind: 'say', text: text.toString() });
      continue;
    }
    if (result < 0) continue;
    if (name === 'openat') {
      const opened = text.toString();
      if (!inFolder(opened) || !call.includes('O_CREAT') || alive.has(opened)) continue;
      alive.add(opened);
      operations.push({ kind: 'create', name: basename(opened) });
    } else if (name === 'unlink') {
      const gone = text.toString();
      if (!inFolder(gone)) continue;
      alive.delete(gone);
      operations.push({ kind: 'unlink', name: basename(gone) });
    } else if (name === 'fsync' || name === 'fdatasync') {
      if (path === folder) operations.push({ kind: 'sync-folder' });
      else if (inFolder(path)) operations.push({ kind: 'sync', name: basename(path) });
    } else if (inFolder(path)) operations.push(change(name, call, basename(path), text, result));
  }
  return operations;
}

function change(name: string, call: string, file: string, data: Buffer, result: number): DiskOperation {
  if (name === 'pwrite64') {
    if (result !== data.length) throw new Error(`a write of ${data.length} bytes wrote ${result}`);
    const offset = Number(/, (\d+)\)\s+= \d+/.exec(call)?.[1]);
    if (!Number.isSafeInteger(offset)) throw new Error(`no offset in ${call.slice(-80)}`);
    return { kind: 'write', name: file, offset, data };
  }
  if (name === 'ftruncate')
    return { kind: 'truncate', name: file, size: Number(/, (\d+)\)\s+=/.exec(call)?.[1]) };
  throw new Error(`${name} on ${file} is not modelled`);
}

class DiskFile {
  content: Buffer = Buffer.alloc(0);
  pending: Change[] = [];
}

function apply(content: Buffer, operation: Change): Buffer {
  const size =
    operation.kind === 'truncate'
      ? operation.size
      : Math.max(content.length, operation.offset + operation.data.length);
  const next = Buffer.alloc(size);
  content.copy(next, 0, 0, Math.min(size, content.length));
  if (operation.kind === 'write') operation.data.copy(next, operation.offset);
  return next;
}

/**
 * A disk that keeps what was synced and may keep any part of the rest: POSIX promises no more. Names are kept by
 * syncing the folder; of unsynced changes of names any first part may be kept (file systems order their journal).
 */
export class RecordedDisk {
  readonly #files = new Map<string, DiskFile>();
  #names = new Map<string, DiskFile>();
  #pendingNames: { readonly name: string; readonly file: DiskFile | undefined }[] = [];

  run(operation: DiskOperation): void {
    switch (operation.kind) {
      case 'create': {
        const file = new DiskFile();
        this.#files.set(operation.name, file);
        this.#pendingNames.push({ name: operation.name, file });
        break;
      }
      case 'unlink':
        this.#files.delete(operation.name);
        this.#pendingNames.push({ name: operation.name, file: undefined });
        break;
      case 'write':
      case 'truncate':
        this.#open(operation.name).pending.push(operation);
        break;
      case 'sync': {
        const file = this.#open(operation.name);
        for (const each of file.pending) file.content = apply(file.content, each);
        file.pending = [];
        break;
      }
      case 'sync-folder':
        this.#names = this.#namesAfter(this.#pendingNames.length);
        this.#pendingNames = [];
        break;
      case 'say':
        break;
    }
  }

  #open(name: string): DiskFile {
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`${name} was not opened`);
    return file;
  }

  #namesAfter(count: number): Map<string, DiskFile> {
    const names = new Map(this.#names);
    for (const { name, file } of this.#pendingNames.slice(0, count)) {
      if (file === undefined) names.delete(name);
      else names.set(name, file);
    }
    return names;
  }

  /** Writes what a power cut leaves now: without `random` only what was synced, with it some of the rest, some of it torn. */
  cut(folder: string, random?: Random): void {
    mkdirSync(folder, { recursive: true });
    const count = random === undefined ? 0 : random.integer(this.#pendingNames.length + 1);
    const share = random?.next() ?? 0;
    for (const [name, file] of this.#namesAfter(count)) {
      let content: Buffer = file.content;
      for (const each of random === undefined ? [] : file.pending) {
        if (random !== undefined && random.next() < share) content = apply(content, tear(each, random));
      }
      writeFileSync(join(folder, name), content);
    }
  }
}

/** Sometimes only the first sectors of a write arrive. */
function tear(operation: Change, random: Random): Change {
  if (operation.kind === 'truncate' || operation.data.length <= 512 || random.next() < 0.7) return operation;
  const sectors = 1 + random.integer(Math.floor(operation.data.length / 512));
  return { ...operation, data: operation.data.subarray(0, sectors * 512) };
}
