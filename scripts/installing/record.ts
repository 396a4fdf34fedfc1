import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#base/atomic-file.ts';

/** Where setup keeps what it brought, so that it can be taken away again. */
export const recordPath = '/opt/cartwright/setup.json';

const lists = ['made', 'users', 'enabled', 'packages', 'edited'] as const;
type List = (typeof lists)[number];

const names = z.array(z.string()).default([]);
const recordSchema = z.object({
  setup: z.literal(1),
  /** Files, folders and links that were not there before. */
  made: names,
  users: names,
  /** Services of others that were off before. */
  enabled: names,
  packages: names,
  /** Lines of others' files that something was added to: `PATH WORD`. */
  edited: names,
});

/** What setup brought to a machine. It is written before the deed: a run that was cut short leaves nothing unrecorded. */
export class SetupRecord {
  readonly #path: string;
  readonly #lists: Readonly<Record<List, Set<string>>>;

  constructor(path: string, held: Partial<Record<List, readonly string[]>> = {}) {
    this.#path = path;
    const set = (list: List) => new Set(held[list] ?? []);
    this.#lists = {
      made: set('made'),
      users: set('users'),
      enabled: set('enabled'),
      packages: set('packages'),
      edited: set('edited'),
    };
  }

  /** Reads it; where there is none, or it is damaged, nothing but what bears our name counts as ours. */
  static read(root: string): SetupRecord {
    const path = join(root, recordPath);
    try {
      return new SetupRecord(path, recordSchema.parse(JSON.parse(readFileSync(path, 'utf8'))));
    } catch {
      return new SetupRecord(path);
    }
  }

  has(list: List, name: string): boolean {
    return this.#lists[list].has(name);
  }

  all(list: List): readonly string[] {
    return [...this.#lists[list]];
  }

  async add(list: List, name: string): Promise<void> {
    if (this.#lists[list].has(name)) return;
    this.#lists[list].add(name);
    await this.#write();
  }

  /** What was given back is forgotten, in memory: the file is removed with the folder that it lies in. */
  forget(list: List, name: string): void {
    this.#lists[list].delete(name);
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }

  #write(): Promise<void> {
    const held = Object.fromEntries(lists.map((list) => [list, [...this.#lists[list]].sort()]));
    return writeFileAtomic(this.#path, `${JSON.stringify({ setup: 1, ...held }, null, 1)}\n`);
  }
}
