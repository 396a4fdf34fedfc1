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
import { evidenceText, judgementText } from './explain-text.ts';
import { replayTrace, withReplayFiles } from './replay.ts';
import { notice, printJson, useColour } from './terminal.ts';

interface ExplainOptions extends ReplayFiles {
  readonly trace?: string;
  readonly events?: string;
  readonly json?: boolean;
}

/** `cartwright explain`: what one decision or question was made of. */
export function registerExplain(program: Command): void {
  withReplayFiles(
    program
      .command('explain')
      .description('show what a decision or a question was made of: masses, scans, sightings, explanations')
      .argument('<event>', "an event's id (or how it begins), its sequence, or last"),
  )
    .option('-t, --trace <trace>', 'trace, or its folder, to weigh it again with')
    .option(
      '-e, --events <file>',
      'ledger as JSON lines (replay --events, tail --json), for what its evidence tells',
    )
    .option('--json', 'print the event and the judgement as JSON')
    .addHelpText(
      'after',
      `
With a trace everything is shown that was weighed: for each explanation its prior, how far its mass is off (z, in σ) and how
likely that mass is (per gram), what cameras and late scans multiply it by, and the probability that comes of it. With events
alone, what the event's own evidence says. "last" is the last event about goods.

Examples:
  scripts/cartwright simulate config/scenarios/two-at-once.yaml --trace /tmp/trip
  scripts/cartwright explain last --trace /tmp/trip
  scripts/cartwright replay /tmp/trip --events /tmp/trip/events.ndjson
  scripts/cartwright explain 12 --events /tmp/trip/events.ndjson`,
    )
    .action(async (wanted: string, options: ExplainOptions) => {
      const { event, judgement } = await find(wanted, options);
      if (options.json) {
        printJson({ event: toJson(event), ...(judgement === undefined ? {} : { judgement }) });
        return;
      }
      const lines = judgement === undefined ? evidenceText(event) : judgementText(judgement);
      const head = new EventPrinter({ colour: useColour() }).line(event).trimEnd();
      process.stdout.write(`${head}\n${event.id}, sequence ${event.sequence}\n\n${lines.join('\n')}\n`);
    });
}

async function find(
  wanted: string,
  options: ExplainOptions,
): Promise<{ readonly event: CartEvent; readonly judgement?: Judgement }> {
  if ((options.trace === undefined) === (options.events === undefined)) {
    throw new CliError('CW-CLI-001', 'give either --trace TRACE or --events FILE; --help shows examples');
  }
  if (options.trace === undefined) return { event: pick(wanted, await readEvents(options.events ?? '')) };
  const events: CartEvent[] = [];
  const judgements = new Map<string, Judgement>();
  const { error } = await replayTrace(options.trace, options, (event) => events.push(event), {
    onJudged: (judgement) => judgements.set(judgement.event, judgement),
  });
  if (error !== undefined) notice(`${options.trace}: ${describeError(error)}`);
  const event = pick(wanted, events);
  const judgement = judgements.get(event.id);
  return { event, ...(judgement === undefined ? {} : { judgement }) };
}

const aboutGoods = /^(?:item|shelf)\.(?!stock$)/;

/** Throws CW-CLI-001 where no event, or more than one, is meant. */
function pick(wanted: string, events: readonly CartEvent[]): CartEvent {
  const last = events.findLast(({ type }) => aboutGoods.test(type));
  if (wanted === 'last') {
    if (last !== undefined) return last;
    throw new CliError('CW-CLI-001', 'there is no event about goods in it; replay shows all events');
  }
  const found = events.filter(({ id, sequence }) => String(sequence) === wanted || id === wanted);
  const begun = found.length > 0 ? found : events.filter(({ id }) => id.startsWith(wanted.toLowerCase()));
  const [event, ...more] = begun;
  if (event !== undefined && more.length === 0) return event;
  const why = event === undefined ? 'there is no such event' : `${begun.length} events begin like that`;
  throw new CliError(
    'CW-CLI-001',
    `${wanted}: ${why}; give an id, a sequence (replay --events lists them) or last`,
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
