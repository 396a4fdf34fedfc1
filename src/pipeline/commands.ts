import { z } from 'zod';
import { describeError, isCoded } from '#base/errors.ts';
import type { Basket, BasketSnapshot } from '#basket/basket.ts';
import type { Catalogue, Product } from '#catalogue/products.ts';
import type { PlainMap } from '#events/fields.ts';
import type { Fusion } from '#fusion/fusion.ts';
import type { Weigher } from '#weighing/weigher.ts';
import { PipelineError } from './errors.ts';
import type { PipelineInput } from './inputs.ts';

/** What became of a command. `data` and `message` are for the answer to whoever asked. */
export type CommandOutcome =
  | { readonly status: 'done'; readonly data: PlainMap }
  | { readonly status: 'refused'; readonly code: string; readonly message: string };

export interface CommandTargets {
  readonly basket: Basket;
  readonly weigher: Weigher;
  readonly fusion: Fusion;
  readonly catalogue: Catalogue;
  openSession(token: string | undefined): string;
  closeSession(): BasketSnapshot;
}

type CommandInput = Extract<PipelineInput, { kind: 'command' }>;

const begin = z.strictObject({ token: z.string().min(1).max(256).optional() });
const identify = z
  .strictObject({
    gtin: z.string().optional(),
    plu: z.string().optional(),
    count: z.number().int().min(1).max(99).optional(),
    event: z.string().optional(),
  })
  .refine((args) => (args.gtin === undefined) !== (args.plu === undefined), 'needs either gtin or plu');
const tare = z.strictObject({ plate: z.string() });
const forget = z
  .strictObject({ gtin: z.string().optional(), plu: z.string().optional(), all: z.literal(true).optional() })
  .refine((args) => Object.keys(args).length === 1, 'needs one of gtin, plu and all: true');
const none = z.strictObject({});

/** The commands that change decisions, so that they belong into a trace. The others are the gateway's. */
export const pipelineCommands: readonly string[] = [
  'session.begin',
  'session.end',
  'item.identify',
  'tare',
  'mass.forget',
];

/** Carries a command out now; every refusal is coded, none is thrown. */
export function runCommand(input: CommandInput, targets: CommandTargets): CommandOutcome {
  try {
    return { status: 'done', data: carryOut(input, targets) };
  } catch (error) {
    if (isCoded(error)) return { status: 'refused', code: error.code, message: error.message };
    return {
      status: 'refused',
      code: 'CW-PIP-005',
      message: `${input.command} failed: ${describeError(error)}; please report this`,
    };
  }
}

function carryOut(input: CommandInput, targets: CommandTargets): PlainMap {
  switch (input.command) {
    case 'session.begin': {
      const { token } = parse(begin, input);
      return { session: targets.openSession(token) };
    }
    case 'session.end': {
      parse(none, input);
      const last = targets.closeSession();
      // As a map of plain values: what is left out in the totals is left out in the answer.
      const totals = JSON.parse(JSON.stringify(last.totals)) as PlainMap;
      return { session: last.session, totals, unsettled: [...last.questions] };
    }
    case 'item.identify': {
      const args = parse(identify, input);
      const product = listed(args, targets.catalogue);
      targets.fusion.identify(
        {
          product: product.key,
          ...(args.count === undefined ? {} : { count: args.count }),
          ...(args.event === undefined ? {} : { event: args.event }),
        },
        input.atUs,
      );
      return { name: product.name };
    }
    case 'tare': {
      const { plate } = parse(tare, input);
      return { plate, tareMg: targets.weigher.tare(plate, input.atUs) };
    }
    case 'mass.forget': {
      const { all: _, ...named } = parse(forget, input);
      const product = Object.keys(named).length === 0 ? undefined : listed(named, targets.catalogue).key;
      return { forgotten: targets.fusion.forgetMasses(product) };
    }
    default:
      throw new PipelineError(
        'CW-PIP-002',
        `${input.command} is not a command of the pipeline; these are: ${pipelineCommands.join(', ')}`,
      );
  }
}

/** The product that a command names. Throws CW-PIP-001 where the catalogue doesn't have it. */
function listed(
  { gtin, plu }: { readonly gtin?: string | undefined; readonly plu?: string | undefined },
  { byGtin, byPlu }: Catalogue,
): Product {
  const product = gtin === undefined ? byPlu.get(plu ?? '') : byGtin.get(gtin);
  if (product !== undefined) return product;
  throw new PipelineError(
    'CW-PIP-001',
    `the catalogue has no product ${gtin ?? plu}; check the number or update the catalogue`,
  );
}

function parse<T>(schema: z.ZodType<T>, input: CommandInput): T {
  const result = schema.safeParse(input.args);
  if (result.success) return result.data;
  const found = result.error.issues
    .map((issue) => `${issue.path.join('.') || 'args'}: ${issue.message}`)
    .join('; ');
  throw new PipelineError('CW-PIP-003', `${input.command}: ${found}`);
}
