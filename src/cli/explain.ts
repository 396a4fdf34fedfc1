import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { isKnown } from '#events/codec.ts';
import type { CartEvent } from '#events/event.ts';
import { fromJson, toJson } from '#events/json.ts';
import type { Judgement } from '#fusion/judgement.ts';
import type { ReplayFiles } from '#traces/setup.ts';
import { CliError } from './errors.ts';
import { EventPrinter } from './event-line.ts';
import { evidenceText, isAboutGoods } from './explain-event.ts';
import { judgementText } from './explain-text.ts';
import { replayTrace, withReplayFiles } from './replay.ts';
import { notice, printJson, useColour } from './terminal.ts';

interface ExplainOptions extends ReplayFiles {
  readonly trace?: string;
  readonly events?: string;
  readonly json?: boolean;
}

/** An event, and all that was weighed for it where that is known. */
interface Explained {
  readonly event: CartEvent;
  readonly judgement?: Judgement;
}

/** `cartwright explain`: what a decision or question was made of. */
export function registerExplain(program: Command): void {
  withReplayFiles(
    program
      .command('explain')
      .description('show what a decision or a question was made of: weight, scans, pictures, explanations')
      .argument('<event>', "an event's id (or how it begins), its sequence, last, or all"),
  )
    .option('-t, --trace <trace>', 'trace, or its folder, to weigh it again with')
    .option(
      '-e, --events <file>',
      'ledger as JSON lines (replay --events, tail --json), for what its evidence tells',
    )
    .option('--json', 'print the event and the judgement as JSON, one line each')
    .addHelpText(
      'after',
      `
With a trace everything is shown that was weighed: how likely each explanation is, and what scan, weight, pictures and
habit each say for or against it. With events alone, what the event's own evidence says. Of an event that is no decision
about goods (a basket line) it explains the decisions that it follows from. "last" is the last decision, "all" are all.

Examples:
  scripts/cartwright simulate config/scenarios/two-at-once.yaml --trace /tmp/trip
  scripts/cartwright explain last --trace /tmp/trip
  scripts/cartwright explain all --trace /tmp/trip | less
  scripts/cartwright replay /tmp/trip --events /tmp/trip/events.ndjson
  scripts/cartwright explain 12 --events /tmp/trip/events.ndjson`,
    )
    .action(async (wanted: string, options: ExplainOptions) => {
      const printer = new EventPrinter({ colour: useColour() });
      for (const { event, judgement } of await find(wanted, options)) {
        if (options.json) {
          printJson({ event: toJson(event), ...(judgement === undefined ? {} : { judgement }) });
          continue;
        }
        process.stdout.write(`${printer.line(event).trimEnd()}\n${event.id}, sequence ${event.sequence}\n\n`);
        process.stdout.write(`${explanation(event, judgement).join('\n')}\n`);
      }
    });
}

function explanation(event: CartEvent, judgement: Judgement | undefined): string[] {
  if (judgement !== undefined) return judgementText(judgement, event);
  if (isAboutGoods(event)) return evidenceText(event);
  return [
    `${event.type} is no decision about goods, and follows from none: its fields say all that there is.`,
    '',
  ];
}

async function find(wanted: string, options: ExplainOptions): Promise<readonly Explained[]> {
  if ((options.trace === undefined) === (options.events === undefined)) {
    throw new CliError('CW-CLI-001', 'give either --trace TRACE or --events FILE; --help shows examples');
  }
  if (options.trace === undefined) {
    return pick(wanted, await readEvents(options.events ?? '')).map((event) => ({ event }));
  }
  const events: CartEvent[] = [];
  const judgements = new Map<string, Judgement>();
  const { error } = await replayTrace(options.trace, options, (event) => events.push(event), {
    onJudged: (judgement) => judgements.set(judgement.event, judgement),
  });
  if (error !== undefined) notice(`${options.trace}: ${describeError(error)}`);
  return pick(wanted, events).map((event) => {
    const judgement = judgements.get(event.id);
    return { event, ...(judgement === undefined ? {} : { judgement }) };
  });
}

/** The events that are meant; of one that is no decision, the decisions that it follows from. Throws CW-CLI-001 where there is none. */
function pick(wanted: string, events: readonly CartEvent[]): readonly CartEvent[] {
  const decisions = events.filter(isAboutGoods);
  if (wanted === 'all' || wanted === 'last') {
    if (decisions.length > 0) return wanted === 'all' ? decisions : decisions.slice(-1);
    throw new CliError('CW-CLI-001', 'there is no decision about goods in it; replay shows all events');
  }
  const event = named(wanted, events);
  if (isAboutGoods(event)) return [event];
  const from = decisions.filter(({ id }) => event.causes?.includes(id) === true);
  return from.length === 0 ? [event] : from;
}

/** Throws CW-CLI-001 where no event, or more than one, is meant. */
function named(wanted: string, events: readonly CartEvent[]): CartEvent {
  const found = events.filter(({ id, sequence }) => String(sequence) === wanted || id === wanted);
  const begun = found.length > 0 ? found : events.filter(({ id }) => id.startsWith(wanted.toLowerCase()));
  const [event, ...more] = begun;
  if (event !== undefined && more.length === 0) return event;
  const why = event === undefined ? 'there is no such event' : `${begun.length} events begin like that`;
  throw new CliError(
    'CW-CLI-001',
    `${wanted}: ${why}; give an id, a sequence (replay --events lists them), last or all`,
  );
}

/** Events of a file of JSON lines. Rejects with CW-CLI-004. */
async function readEvents(path: string): Promise<CartEvent[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new CliError('CW-CLI-004', `${path} can't be read: ${plainCause(cause)}`, { cause });
  }
  const events: CartEvent[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      const event = fromJson(JSON.parse(line));
      if (isKnown(event)) events.push(event);
    } catch (cause) {
      throw new CliError('CW-CLI-004', `${path}, line ${i + 1} is no event: ${describeError(cause)}`, {
        cause,
      });
    }
  }
  return events;
}
