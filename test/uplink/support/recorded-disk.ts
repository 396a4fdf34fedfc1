import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Random } from '#base/random.ts';

/** One thing that a process did to its files, in order. Names are paths from the folder that was watched. */
export type DiskOperation =
  | { readonly kind: 'create' | 'unlink' | 'sync' | 'make-folder'; readonly name: string }
  | { readonly kind: 'rename'; readonly name: string; readonly to: string }
  | { readonly kind: 'write'; readonly name: string; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'truncate'; readonly name: string; readonly size: number }
  /** `.` is the watched folder itself. */
  | { readonly kind: 'sync-folder'; readonly name: string }
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

/** Reads what `strace -f -y -xx -s 1000000` recorded about the files below one folder, and what was said on fd 1. */
export function readTrace(trace: string, folder: string): DiskOperation[] {
  const reader = new TraceReader(folder);
  for (const call of wholeCalls(trace)) reader.take(call);
  return reader.operations;
}

class TraceReader {
  readonly operations: DiskOperation[] = [];
  readonly #folder: string;
  readonly #alive = new Set<string>();
  readonly #folders = new Set<string>();
  /** Where the next `write` to a file goes: each is open once at a time. */
  readonly #positions = new Map<string, number>();
  readonly #sizes = new Map<string, number>();

  constructor(folder: string) {
    this.#folder = folder;
    this.#folders.add(folder);
  }

  take(call: string): void {
    const name = call.slice(0, call.indexOf('('));
    const strings = [...call.matchAll(/"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g)];
    if (strings.some((match) => match[2] !== undefined)) throw new Error('strace cut a string');
    const texts = strings.map((match) => unquote(match[1] ?? ''));
    const descriptor = /^\w+\((\d+)<((?:\\x[0-9a-f]{2})*)>/.exec(call);
    const path = descriptor?.[2] === undefined ? '' : unquote(descriptor[2]).toString();
    const result = Number(/= (-?\d+)/.exec(call)?.[1] ?? -1);
    const text = texts[0] ?? Buffer.alloc(0);
    if (name === 'write' && descriptor?.[1] === '1') {
      this.operations.push({ kind: 'say', text: text.toString() });
      return;
    }
    if (result < 0) return;
    if (name === 'openat') this.#open(text.toString(), call);
    else if (name === 'mkdir' || name === 'mkdirat') this.#makeFolder(text.toString());
    else if (name === 'unlink') this.#unlink(text.toString());
    else if (name.startsWith('rename')) this.#rename(text.toString(), (texts[1] ?? '').toString());
    else if (name === 'fsync' || name === 'fdatasync') this.#sync(path);
    else if (this.#isInside(path)) this.operations.push(this.#change(name, call, path, text, result));
  }

  #isInside(path: string): boolean {
    return path.startsWith(`${this.#folder}/`);
  }

  #name(path: string): string {
    return relative(this.#folder, path);
  }

  #open(path: string, call: string): void {
    if (!this.#isInside(path)) return;
    const size = call.includes('O_TRUNC') ? 0 : (this.#sizes.get(path) ?? 0);
    this.#positions.set(path, call.includes('O_APPEND') ? size : 0);
    if (!call.includes('O_CREAT') || this.#alive.has(path)) {
      if (call.includes('O_TRUNC'))
        this.operations.push({ kind: 'truncate', name: this.#name(path), size: 0 });
      return;
    }
    this.#alive.add(path);
    this.#sizes.set(path, 0);
    this.operations.push({ kind: 'create', name: this.#name(path) });
  }

  #makeFolder(path: string): void {
    if (!this.#isInside(path)) return;
    this.#folders.add(path);
    this.operations.push({ kind: 'make-folder', name: this.#name(path) });
  }

  #unlink(path: string): void {
    if (!this.#isInside(path)) return;
    this.#alive.delete(path);
    this.operations.push({ kind: 'unlink', name: this.#name(path) });
  }

  #rename(from: string, to: string): void {
    if (!this.#isInside(from)) return;
    this.#alive.delete(from);
    this.#alive.add(to);
    this.#sizes.set(to, this.#sizes.get(from) ?? 0);
    this.operations.push({ kind: 'rename', name: this.#name(from), to: this.#name(to) });
  }

  #sync(path: string): void {
    if (this.#folders.has(path)) {
      this.operations.push({ kind: 'sync-folder', name: this.#name(path) || '.' });
    } else if (this.#isInside(path)) this.operations.push({ kind: 'sync', name: this.#name(path) });
  }

  #change(call: string, line: string, path: string, data: Buffer, result: number): DiskOperation {
    const name = this.#name(path);
    if (call === 'ftruncate') {
      const size = Number(/, (\d+)\)\s+=/.exec(line)?.[1]);
      this.#sizes.set(path, size);
      return { kind: 'truncate', name, size };
    }
    if (call !== 'pwrite64' && call !== 'write') throw new Error(`${call} on ${name} is not modelled`);
    if (result !== data.length) throw new Error(`a write of ${data.length} bytes wrote ${result}`);
    const offset =
      call === 'write' ? (this.#positions.get(path) ?? 0) : Number(/, (\d+)\)\s+= \d+/.exec(line)?.[1]);
    if (!Number.isSafeInteger(offset)) throw new Error(`no offset in ${line.slice(-80)}`);
    if (call === 'write') this.#positions.set(path, offset + result);
    this.#sizes.set(path, Math.max(this.#sizes.get(path) ?? 0, offset + result));
    return { kind: 'write', name, offset, data };
  }
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

/** What a name leads to: a file, or a folder, which has no content of its own. */
type Entry = DiskFile | 'folder';

/** Names of one folder: those that are kept, and changes of them that a power cut may still take back. */
class Names {
  kept = new Map<string, Entry>();
  pending: { readonly name: string; readonly entry: Entry | undefined }[] = [];

  after(count: number): Map<string, Entry> {
    const names = new Map(this.kept);
    for (const { name, entry } of this.pending.slice(0, count)) {
      if (entry === undefined) names.delete(name);
      else names.set(name, entry);
    }
    return names;
  }

  sync(): void {
    this.kept = this.after(this.pending.length);
    this.pending = [];
  }
}

/**
 * A disk that keeps what was synced and may keep any part of the rest: POSIX promises no more. Names are kept by
 * syncing their folder; of unsynced changes of a folder's names any first part may be kept (file systems order their
 * journal). A file that was renamed has the content that it had: what of that was not synced may be lost.
 */
export class RecordedDisk {
  readonly #files = new Map<string, DiskFile>();
  readonly #folders = new Map<string, Names>();

  run(operation: DiskOperation): void {
    switch (operation.kind) {
      case 'create': {
        const file = new DiskFile();
        this.#files.set(operation.name, file);
        this.#enter(operation.name, file);
        break;
      }
      case 'make-folder':
        this.#enter(operation.name, 'folder');
        break;
      case 'unlink':
        this.#files.delete(operation.name);
        this.#enter(operation.name, undefined);
        break;
      case 'rename': {
        const file = this.#open(operation.name);
        this.#files.delete(operation.name);
        this.#files.set(operation.to, file);
        this.#enter(operation.to, file);
        this.#enter(operation.name, undefined);
        break;
      }
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
        this.#namesOf(operation.name).sync();
        break;
      case 'say':
        break;
    }
  }

  #namesOf(folder: string): Names {
    const names = this.#folders.get(folder) ?? new Names();
    this.#folders.set(folder, names);
    return names;
  }

  #enter(name: string, entry: Entry | undefined): void {
    this.#namesOf(dirname(name)).pending.push({ name, entry });
  }

  #open(name: string): DiskFile {
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`${name} was not opened`);
    return file;
  }

  /** Writes what a power cut leaves now: without `random` only what was synced, with it some of the rest, some of it torn. */
  cut(folder: string, random?: Random): void {
    const share = random?.next() ?? 0;
    this.#cutFolder(folder, '.', random, share);
  }

  #cutFolder(target: string, folder: string, random: Random | undefined, share: number): void {
    mkdirSync(join(target, folder), { recursive: true });
    const names = this.#namesOf(folder);
    const count = random === undefined ? 0 : random.integer(names.pending.length + 1);
    for (const [name, entry] of names.after(count)) {
      if (entry === 'folder') {
        this.#cutFolder(target, name, random, share);
        continue;
      }
      let content: Buffer = entry.content;
      for (const each of random === undefined ? [] : entry.pending) {
        if (random !== undefined && random.next() < share) content = apply(content, tear(each, random));
      }
      writeFileSync(join(target, name), content);
    }
  }
}

/** Sometimes only the first sectors of a write arrive. */
function tear(operation: Change, random: Random): Change {
  if (operation.kind === 'truncate' || operation.data.length <= 512 || random.next() < 0.7) return operation;
  const sectors = 1 + random.integer(Math.floor(operation.data.length / 512));
  return { ...operation, data: operation.data.subarray(0, sectors * 512) };
}
