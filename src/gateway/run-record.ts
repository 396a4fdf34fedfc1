import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { isCoded } from '#base/errors.ts';
import type { EventData } from '#events/catalog.ts';

/** Where a gateway notes that it runs and why it ended, in its data folder. */
const recordName = 'run.json';
/** What systemd's ExecStopPost leaves there: result, kind of exit and its status. */
const systemdName = 'last-end';
/** The folder is another gateway's, and so is its record. */
const heldByAnother = 'CW-UPL-004';
const bootIdPath = '/proc/sys/kernel/random/boot_id';

const endSchema = z.object({
  cause: z.string().max(64),
  code: z.string().max(64).optional(),
  message: z.string().max(1_024).optional(),
  /** Parts for which this run and those right before it were ended. */
  parts: z.array(z.string().max(128)).max(64).optional(),
});
const recordSchema = z.object({
  run: z.literal(1),
  software: z.string().max(128),
  bootId: z.string().max(64),
  /** UTC ms by the clock that was. */
  startedMs: z.number(),
  ended: endSchema.optional(),
});
type RunFile = z.infer<typeof recordSchema>;

/** Why a run ends, as far as it knows itself. */
type RunEnd = z.infer<typeof endSchema>;
/** How the run before ended, as the birth tells it. */
type BeforeRun = NonNullable<EventData<'gateway.born'>['before']>;

/**
 * The run before, judged: from what it noted itself, from what systemd saw of its end, and from whether the machine has
 * started since. Undefined where none is known.
 */
export async function readBeforeRun(
  dataFolder: string,
): Promise<(BeforeRun & { readonly parts?: readonly string[] }) | undefined> {
  const record = await readRecord(dataFolder);
  if (record === undefined) return undefined;
  const { software, ended } = record;
  const facts = { software, ...(ended?.parts === undefined ? {} : { parts: ended.parts }) };
  if (ended !== undefined) {
    const { cause, code, message } = ended;
    return {
      ...facts,
      cause,
      ...(code === undefined ? {} : { code }),
      ...(message === undefined ? {} : { message }),
    };
  }
  if (record.bootId !== (await bootId())) return { ...facts, cause: 'power-loss' };
  const seen = await readSystemd(dataFolder);
  return { ...facts, ...judgeEnd(seen) };
}

/** What systemd's words (`watchdog killed ABRT`, `oom-kill killed KILL`) mean for a birth. Pure. */
export function judgeEnd(words: string | undefined): { readonly cause: string; readonly message?: string } {
  if (words === undefined) return { cause: 'killed' };
  const [result = '', kind = '', status = ''] = words.trim().split(/\s+/);
  const message = `${result} ${kind} ${status}`.trim();
  if (result === 'watchdog') return { cause: 'hung', message };
  if (result === 'oom-kill') return { cause: 'out-of-memory', message };
  // Node's own limit of its heap ends in an abort, as does a fault of native code: the journal tells them apart.
  if (result === 'core-dump' || result === 'signal')
    return { cause: status === 'KILL' ? 'killed' : 'crashed', message };
  return { cause: 'killed', ...(message === '' ? {} : { message }) };
}

async function readRecord(dataFolder: string): Promise<RunFile | undefined> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(join(dataFolder, recordName), 'utf8')));
  } catch {
    // None yet, or damaged: what it would tell is lost, and nothing else.
    return undefined;
  }
}

/** What systemd noted, where that is younger than the run's own record. */
async function readSystemd(dataFolder: string): Promise<string | undefined> {
  try {
    const path = join(dataFolder, systemdName);
    const [noted, begun] = await Promise.all([stat(path), stat(join(dataFolder, recordName))]);
    return noted.mtimeMs < begun.mtimeMs ? undefined : (await readFile(path, 'utf8')).slice(0, 256);
  } catch {
    return undefined;
  }
}

async function bootId(): Promise<string> {
  return await readFile(bootIdPath, 'utf8').then(
    (text) => text.trim(),
    () => '',
  );
}

/** The record of one run. */
export class RunRecord {
  readonly #path: string;
  readonly #systemdPath: string;
  readonly #software: string;
  readonly #startedMs: number;
  #ended: RunEnd | undefined;
  #turn: Promise<void> = Promise.resolve();
  #onTrouble: (error: unknown) => void;

  /** @param startedMs UTC ms by the clock that is */
  constructor(dataFolder: string, software: string, startedMs: number, onTrouble: (error: unknown) => void) {
    this.#path = join(dataFolder, recordName);
    this.#systemdPath = join(dataFolder, systemdName);
    this.#software = software;
    this.#startedMs = startedMs;
    this.#onTrouble = onTrouble;
  }

  /** Notes that it runs. Never rejects: a disk that takes nothing must not keep a cart from selling. */
  async begin(): Promise<void> {
    await rm(this.#systemdPath, { force: true }).catch(() => {});
    await this.#write();
  }

  /** Notes why it ends; the first reason counts. Never rejects. */
  async end(reason: RunEnd): Promise<void> {
    if (this.#ended !== undefined) {
      await this.#turn;
      return;
    }
    const { message, ...rest } = reason;
    this.#ended = { ...rest, ...(message === undefined ? {} : { message: message.slice(0, 1_024) }) };
    await this.#write();
  }

  /** Notes that it ends because of `error`. Never rejects. */
  async failed(error: unknown): Promise<void> {
    if (isCoded(error) && error.code === heldByAnother) return;
    const facts = isCoded(error) ? { code: error.code, message: error.message } : { message: String(error) };
    await this.end({ cause: 'fault', ...facts });
  }

  #write(): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      try {
        const record: RunFile = {
          run: 1,
          software: this.#software,
          bootId: await bootId(),
          startedMs: this.#startedMs,
          ...(this.#ended === undefined ? {} : { ended: this.#ended }),
        };
        await writeFileAtomic(this.#path, `${JSON.stringify(record)}\n`, 0o640);
      } catch (error) {
        this.#onTrouble(error);
      }
    });
    return this.#turn;
  }
}
