import type { z } from 'zod';
import { describeError, isCoded } from '#base/errors.ts';
import type { PlainMap } from '#events/fields.ts';
import { type CommandArguments, type CommandName, commandArguments } from './commands/arguments.ts';
import { checkoutCommands } from './commands/checkout.ts';
import { itemCommands } from './commands/items.ts';
import type { CommandTargets, Handlers } from './commands/targets.ts';
import { tripCommands } from './commands/trips.ts';
import { upkeepCommands } from './commands/upkeep.ts';
import { PipelineError } from './errors.ts';
import type { PipelineInput } from './inputs.ts';

/** What became of a command. `data` and `message` are for the answer to whoever asked. */
export type CommandOutcome =
  | { readonly status: 'done'; readonly data: PlainMap }
  | { readonly status: 'refused'; readonly code: string; readonly message: string };

type CommandInput = Extract<PipelineInput, { kind: 'command' }>;

const handlers: Handlers = { ...tripCommands, ...checkoutCommands, ...itemCommands, ...upkeepCommands };

/** The commands that change decisions, so that they belong into a trace. The others are the gateway's. */
export const pipelineCommands: readonly string[] = Object.keys(commandArguments);

const isCommand = (name: string): name is CommandName => Object.hasOwn(commandArguments, name);

/** Carries a command out now; every refusal is coded, none is thrown. */
export function runCommand(input: CommandInput, targets: CommandTargets): CommandOutcome {
  try {
    if (!isCommand(input.command)) {
      throw new PipelineError(
        'CW-PIP-002',
        `${input.command} is not a command of the pipeline; these are: ${pipelineCommands.join(', ')}`,
      );
    }
    return { status: 'done', data: carryOut(input.command, input, targets) };
  } catch (error) {
    if (isCoded(error)) return { status: 'refused', code: error.code, message: error.message };
    return {
      status: 'refused',
      code: 'CW-PIP-005',
      message: `${input.command} failed: ${describeError(error)}; please report this`,
    };
  }
}

function carryOut<Name extends CommandName>(
  name: Name,
  input: CommandInput,
  targets: CommandTargets,
): PlainMap {
  const args = parse(name, input.args);
  return handlers[name](args, targets, input.atUs);
}

function parse<Name extends CommandName>(
  name: Name,
  args: Readonly<Record<string, unknown>>,
): CommandArguments<Name> {
  const schema: z.ZodType = commandArguments[name];
  const result = schema.safeParse(args);
  // TypeScript can't see that the schema of a name gives the arguments of that name.
  if (result.success) return result.data as CommandArguments<Name>;
  const found = result.error.issues
    .map((issue) => `${issue.path.join('.') || 'args'}: ${issue.message}`)
    .join('; ');
  throw new PipelineError('CW-PIP-003', `${name}: ${found}`);
}
