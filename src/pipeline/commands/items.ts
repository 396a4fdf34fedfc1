import { PipelineError } from '../errors.ts';
import { type CommandTargets, type Handlers, plain, productNamed } from './targets.ts';

type ItemCommand =
  | `item.${'identify' | 'answer' | 'place' | 'remove' | 'override'}`
  | `line.${'void' | 'dispute'}`
  | 'mass.forget';

const standing = ({ basket }: CommandTargets) =>
  plain({ revision: basket.revision, totals: basket.totals() });

/** A pick on the display, of what is in the hand or (`event`) of what was asked about. Returns its name. */
function identify(
  args: {
    readonly gtin?: string | undefined;
    readonly plu?: string | undefined;
    readonly count?: number | undefined;
    readonly event?: string | undefined;
  },
  { basket, fusion, catalogue }: CommandTargets,
  atUs: number,
): string {
  const product = productNamed(catalogue, args);
  const { count, event } = args;
  basket.answering(() =>
    fusion.identify(
      {
        product: product.key,
        ...(count === undefined ? {} : { count }),
        ...(event === undefined ? {} : { event }),
      },
      atUs,
    ),
  );
  return product.name;
}

/** Commands about single things and lines. */
export const itemCommands: Pick<Handlers, ItemCommand> = {
  'item.identify': (args, targets, atUs) => {
    targets.basket.guard('item.identify');
    return { name: identify(args, targets, atUs) };
  },
  'item.answer': (args, targets, atUs) => {
    const { basket, fusion } = targets;
    basket.guard('item.answer');
    const { event, outcome, by } = args;
    if (outcome === undefined) return { name: identify(args, targets, atUs) };
    const isOpen = fusion.openQuestions().some((question) => question.event === event);
    if (isOpen && outcome === 'not-an-item') basket.declared(event, by);
    basket.answering(() => fusion.answer({ event, outcome }, atUs));
    return {};
  },
  'item.place': (args, { basket, fusion }, atUs) => {
    basket.guard('item.place');
    return { name: basket.answering(() => fusion.unweighed.place(args, atUs)) };
  },
  'item.remove': (args, targets, atUs) => {
    const { basket, fusion, catalogue } = targets;
    basket.guard('item.remove');
    const isNamed = args.gtin !== undefined || args.plu !== undefined;
    const product = isNamed ? productNamed(catalogue, args) : undefined;
    basket.answering(() => fusion.unweighed.remove(product?.key, args.count ?? 1, atUs));
    return product === undefined ? {} : { name: product.name };
  },
  'item.override': (args, targets, atUs) => {
    const { basket, fusion, catalogue } = targets;
    const { event, line, by, why, outcome } = args;
    if (line !== undefined) {
      if (args.gtin !== undefined || args.plu !== undefined || outcome !== undefined) {
        throw new PipelineError('CW-PIP-003', 'item.override: a line takes priceMinor or count alone');
      }
      basket.service.override({ line, priceMinor: args.priceMinor, count: args.count, by, why });
      return standing(targets);
    }
    const names = [outcome, args.gtin, args.plu].filter((one) => one !== undefined).length;
    if (event === undefined || names !== 1 || args.priceMinor !== undefined || args.count === 0) {
      throw new PipelineError('CW-PIP-003', 'item.override: a question takes one of outcome, gtin and plu');
    }
    const product = outcome === undefined ? productNamed(catalogue, args) : undefined;
    // Staff's word goes on record with what it was about, and only if that is still open.
    basket.service.settleQuestion({ event, by, why }, () =>
      basket.answering(() => {
        if (outcome !== undefined) fusion.answer({ event, outcome }, atUs);
        else if (product !== undefined) {
          fusion.override({ event, product: product.key, count: args.count ?? 1 }, atUs);
        }
      }),
    );
    return standing(targets);
  },
  'mass.forget': ({ all, ...named }, { fusion, catalogue }) => ({
    forgotten: fusion.forgetMasses(all === true ? undefined : productNamed(catalogue, named).key),
  }),
  'line.void': (args, targets) => {
    targets.basket.service.void(args);
    return standing(targets);
  },
  'line.dispute': ({ line, over, by }, { basket }) => ({
    revision: basket.service.dispute(line, over === true, by),
  }),
};
