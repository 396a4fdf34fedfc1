import { type FSWatcher, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { machineRoot, type SystemRoot } from './root.ts';

/** Tells that devices may have been attached or removed. */
export interface AttachmentSource {
  /** Calls back soon after a change; the returned function ends it. */
  watch(onChange: () => void): () => void;
}

/** A device brings several nodes and links, made one after the other: told once they have settled, µs. */
const quietUs = 100_000;
/** Told after this long even where changes go on, µs. */
const latestUs = 500_000;
/** Where nodes and stable links appear. All but the first come and go with their devices. */
const folders = [
  ...['.', 'input', 'cartwright'],
  ...['serial', 'serial/by-id', 'serial/by-path'],
  ...['v4l', 'v4l/by-id', 'v4l/by-path'],
];

/**
 * Watches the folders of device nodes, as the kernel and udev fill them. Keeps no process alive and never throws: where
 * a folder can't be watched, devices are found by trying again.
 */
export function systemAttachments(clock: Clock, root: SystemRoot = machineRoot): AttachmentSource {
  return { watch: (onChange) => new FolderWatch(clock, root, onChange).start() };
}

class FolderWatch {
  readonly #clock: Clock;
  readonly #root: SystemRoot;
  readonly #onChange: () => void;
  /** By folder, with the inode that is watched: a folder of the same name may be another one. */
  readonly #watchers = new Map<string, { readonly inode: number; readonly watcher: FSWatcher }>();
  #cancelQuiet: (() => void) | undefined;
  #cancelLatest: (() => void) | undefined;
  #stopped = false;

  constructor(clock: Clock, root: SystemRoot, onChange: () => void) {
    this.#clock = clock;
    this.#root = root;
    this.#onChange = onChange;
  }

  start(): () => void {
    this.#follow();
    return () => this.#stop();
  }

  /** Watches what is there now, and nothing that is gone. */
  #follow(): void {
    for (const name of folders) {
      const folder = join(this.#root.dev, name);
      const inode = statSync(folder, { throwIfNoEntry: false })?.ino;
      const known = this.#watchers.get(folder);
      if (known?.inode === inode) continue;
      known?.watcher.close();
      this.#watchers.delete(folder);
      if (inode !== undefined) this.#watch(folder, inode);
    }
  }

  #watch(folder: string, inode: number): void {
    try {
      const watcher = watch(folder, { persistent: false }, (event) => {
        // `change` is a write to a node or a change of its rights; only what comes and goes counts.
        if (event === 'rename') this.#changed();
      });
      watcher.on('error', () => {
        watcher.close();
        this.#watchers.delete(folder);
      });
      this.#watchers.set(folder, { inode, watcher });
    } catch {
      // Too many watches, or gone meanwhile: the supervisor's own retries find the device, only later.
    }
  }

  #changed(): void {
    if (this.#stopped) return;
    this.#follow();
    this.#cancelQuiet?.();
    this.#cancelQuiet = this.#clock.after(quietUs, () => this.#tell());
    this.#cancelLatest ??= this.#clock.after(latestUs, () => this.#tell());
  }

  #tell(): void {
    this.#cancelTimers();
    // A folder that appeared together with its content was not watched while it was filled.
    this.#follow();
    this.#onChange();
  }

  #cancelTimers(): void {
    this.#cancelQuiet?.();
    this.#cancelLatest?.();
    this.#cancelQuiet = undefined;
    this.#cancelLatest = undefined;
  }

  #stop(): void {
    this.#stopped = true;
    this.#cancelTimers();
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }
}
