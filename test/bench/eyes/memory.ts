import { readFileSync } from 'node:fs';

/** Memory of a process, bytes (proc(5), smaps). */
export interface Memory {
  /** Resident, files that it maps included. */
  readonly rss: number;
  /** What is its own: no page of a file. */
  readonly own: number;
  /** Resident pages of each file that it maps: others that map it have the same ones. */
  readonly files: ReadonlyMap<string, number>;
}

/** Reads `/proc/PID/smaps`. Throws where the process is gone. */
export function memoryOf(pid: number): Memory {
  return readMemory(readFileSync(`/proc/${pid}/smaps`, 'utf8'));
}

/** What the text of an smaps file says. */
export function readMemory(smaps: string): Memory {
  const files = new Map<string, number>();
  let [rss, own, path, resident] = [0, 0, '', 0];
  for (const line of smaps.split('\n')) {
    const head = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$/.exec(line);
    if (head !== null) path = head[1] ?? '';
    const [, what, kib] = /^(Rss|Anonymous): +(\d+) kB$/.exec(line) ?? [];
    if (what === 'Rss') {
      resident = 1024 * Number(kib);
      rss += resident;
    } else if (what === 'Anonymous') {
      const anonymous = 1024 * Number(kib);
      own += anonymous;
      if (resident > anonymous) files.set(path, (files.get(path) ?? 0) + resident - anonymous);
    }
  }
  return { rss, own, files };
}

/** What processes take together: pages of a file that several of them map are there once, bytes. */
export function together(processes: readonly Memory[]): number {
  const files = new Map<string, number>();
  for (const one of processes) {
    for (const [path, bytes] of one.files) files.set(path, Math.max(bytes, files.get(path) ?? 0));
  }
  const shared = [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
  return processes.reduce((sum, { own }) => sum + own, shared);
}
