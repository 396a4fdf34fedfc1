import type { Signer } from '#identity/key-ring.ts';
import { CommandError } from './errors.ts';
import { ruleOf } from './rules.ts';

/** Who sent a request: a key that signed it, or nobody knows. Left out, it is this machine's own pages. */
export type Sender = 'unsigned' | Signer;

type Args = Readonly<Record<string, unknown>>;

/** What is asked of senders here. */
interface Demands {
  /** Commands that change something have to be signed. */
  readonly mustSign: boolean;
  /** Keys that count. */
  readonly keys: number;
}

/**
 * The arguments with which a sender's command is carried out: `by` is what the key says, and must not say anything else.
 * Throws CW-CMD-010 to -012 where the sender may not command this. Pure.
 */
export function authorize(command: string, sender: Sender | undefined, args: Args, demands: Demands): Args {
  const rule = ruleOf(command);
  if (sender === undefined || rule.roles.length === 0) return args;
  if (sender === 'unsigned') {
    if (!demands.mustSign) return args;
    const how =
      demands.keys === 0
        ? 'this device knows no key yet: make one (scripts/cartwright key make), put it into a list (key add) and name that in commands.keysFile, or commands.rootKeyFile for lists from the store'
        : `sign it with a key of role ${rule.roles.join(' or ')} (--key FILE)`;
    throw new CommandError(
      'CW-CMD-010',
      `${command} has to be signed, as the broker is not on loopback; ${how}`,
    );
  }
  if (!(rule.roles as readonly string[]).includes(sender.role)) {
    throw new CommandError(
      'CW-CMD-011',
      `${command} is for keys of role ${rule.roles.join(' or ')}; key ${sender.id} has role ${sender.role}`,
    );
  }
  return rule.by === true ? { ...args, by: agreed(command, sender, args.by) } : args;
}

/** A store's app speaks for its shoppers; everybody else for themselves alone. */
function speaksFor(role: string, said: unknown): boolean {
  return said === role || (role === 'store' && said === 'shopper');
}

function agreed(command: string, { id, role, who }: Signer, by: unknown): unknown {
  const own = { role, ...(who === undefined ? {} : { who }) };
  if (by === undefined) return own;
  // What is no person at all, the command itself refuses.
  if (typeof by !== 'object' || by === null || Array.isArray(by)) return by;
  const said = by as { readonly role?: unknown; readonly who?: unknown };
  if (!speaksFor(role, said.role)) {
    throw new CommandError(
      'CW-CMD-012',
      `${command}: \`by\` has role ${JSON.stringify(said.role)}, and key ${id} is of role ${role}; leave \`by\` out, or say what the key says`,
    );
  }
  if (who === undefined || said.role !== role) return by;
  if (said.who !== undefined && said.who !== who) {
    throw new CommandError(
      'CW-CMD-012',
      `${command}: \`by.who\` is ${JSON.stringify(said.who)}, and key ${id} belongs to ${who}`,
    );
  }
  return { ...by, who };
}
