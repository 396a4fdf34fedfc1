import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '#base/atomic-file.ts';

const slot = z.enum(['a', 'b']);

const failure = z.object({
  version: z.string(),
  /** SHA-256 of the unpacked file system: a version may be made twice. */
  sha256: z.string(),
  /** UTC ms. */
  atMs: z.number(),
  why: z.string(),
});

const happening = z.object({
  /** +1 each; what tells them to the store remembers the last one that it told. */
  number: z.number().int(),
  /** UTC ms. */
  atMs: z.number(),
  what: z.enum(['written', 'good', 'rolled-back']),
  version: z.string(),
  slot,
  /** The slot that was in service before. */
  back: slot,
  why: z.string().optional(),
});

const slotState = z.object({
  state: z.literal(1),
  /** The root that was written last, until it is found to be good or taken back. */
  trial: z
    .object({
      slot,
      /** Whence it goes back. */
      back: slot,
      version: z.string(),
      sha256: z.string(),
      /** UTC ms. */
      sinceMs: z.number(),
      /** The broker was away before, which then says nothing against the new root. */
      brokerAway: z.boolean(),
      /** Nothing was configured yet, so there is no gateway whose health could be asked. */
      gatewayAway: z.boolean(),
      /** Why it was found to be bad, kept over the restart that goes back. */
      why: z.string().optional(),
    })
    .optional(),
  /** Roots that were taken back, newest last. */
  failed: z.array(failure).default([]),
  /** What became of roots, newest last. */
  happenings: z.array(happening).default([]),
});

/** What is known of the slots beyond what the boot loader keeps. */
export type SlotState = z.infer<typeof slotState>;

/** One thing that became of a root. */
export type SlotHappening = z.infer<typeof happening>;

const keptFailures = 8;
const keptHappenings = 16;

/** A state in which one more thing has happened. */
export function withHappening(state: SlotState, happened: Omit<SlotHappening, 'number'>): SlotState {
  const number = (state.happenings.at(-1)?.number ?? 0) + 1;
  return { ...state, happenings: [...state.happenings, { number, ...happened }] };
}

/** The state in a file; a fresh one where there is none or it can't be read: the boot loader's own files decide. */
export async function readSlotState(path: string): Promise<SlotState> {
  const fresh: SlotState = { state: 1, failed: [], happenings: [] };
  try {
    return slotState.safeParse(JSON.parse(await readFile(path, 'utf8'))).data ?? fresh;
  } catch {
    return fresh;
  }
}

/** Replaces the state, so that a power cut leaves the old one or the new one. */
export async function writeSlotState(path: string, state: SlotState): Promise<void> {
  const kept = {
    ...state,
    failed: state.failed.slice(-keptFailures),
    happenings: state.happenings.slice(-keptHappenings),
  };
  await writeFileAtomic(path, `${JSON.stringify(kept, null, 1)}\n`);
}
