import type { HandlerContext } from '#commands/desk.ts';
import type { Draft } from '#events/event.ts';
import type { PlainMap } from '#events/fields.ts';
import type { AuditFacts } from '#identity/audit-chain.ts';
import type { StateChanges } from './state.ts';

/** What a command of the gateway's own changed. */
export interface KeptChange {
  readonly state?: StateChanges;
  /** Events that tell it; `command.done` follows them. */
  readonly drafts?: readonly Draft[];
  /** What the audit log says of it, beside who asked for what; undefined where nothing is put on record. */
  readonly facts?: AuditFacts;
}

/** What a handler of the gateway's own does for a command that changes something. */
export type Keep = (
  asked: { readonly command: string; readonly args: Readonly<Record<string, unknown>> },
  context: HandlerContext,
  data: PlainMap,
  change: KeptChange,
) => Promise<void>;
