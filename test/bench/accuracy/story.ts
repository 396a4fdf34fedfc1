import type { PipelineInput } from '#pipeline/inputs.ts';
import type { Asked, Claim, Ledger } from './claims.ts';
import type { TrueUnit } from './stage.ts';

interface Line {
  readonly atUs: number;
  readonly text: string;
}

const sign = (one: 1 | -1) => (one > 0 ? '+' : '-');
const grams = (mg: number) => `${(mg / 1_000).toFixed(1)} g`;
const seconds = (us: number) => (us / 1e6).toFixed(3);

/** Tells a trip in the order of time: what really happened, what devices said of it, and what was decided and asked. */
export class Story {
  readonly #lines: Line[] = [];

  /** Takes what devices and people told the engine; readings of cells alone are left out. */
  input(input: PipelineInput): void {
    const text = inputText(input);
    if (text !== undefined) this.#lines.push({ atUs: input.atUs, text });
  }

  truth({ thing, sign: direction, plate, startUs, atUs, label }: TrueUnit): void {
    const name = thing.product === undefined ? 'unlisted' : `${thing.product.key} ${thing.product.name}`;
    const when = `from ${seconds(startUs)}`;
    const text = `TRUE   ${sign(direction)} ${name}, ${grams(thing.massMg)} on ${plate} [${label}] ${when}`;
    this.#lines.push({ atUs, text });
  }

  /** The whole story as text, with what the engine said. */
  tell(ledger: Ledger): string {
    const lines = [
      ...this.#lines,
      ...ledger.claims.map((claim) => ({ atUs: claim.atUs, text: claimText(claim, ledger) })),
      ...[...ledger.questions.values()].flatMap(questionLines),
    ];
    lines.sort((a, b) => a.atUs - b.atUs);
    return lines.map(({ atUs, text }) => `${seconds(atUs).padStart(9)}  ${text}\n`).join('');
  }
}

function inputText(input: PipelineInput): string | undefined {
  switch (input.kind) {
    case 'scan':
      return `scan   ${new TextDecoder().decode(input.data)}`;
    case 'command':
      return `touch  ${input.command} ${JSON.stringify(input.args)}`;
    case 'sighting': {
      const things = input.things.map(({ change, moved, candidates }) => {
        const best = candidates[0];
        const known = best === undefined ? 'unknown' : `${best.look} ${best.probabilityPpm}`;
        return `${moved ? 'pushed' : (change ?? 'there')} ${known}`;
      });
      return `camera ${input.source} on ${input.plate ?? '?'}: ${things.join(', ') || 'nothing'}`;
    }
    default:
      return undefined;
  }
}

function claimText(claim: Claim, ledger: Ledger): string {
  const { id, product, count, massMg, probabilityPpm, startedAtUs, settledAtUs, settles, corrects } = claim;
  const why = settles === undefined ? (corrects === undefined ? '' : `, corrects ${corrects}`) : ', answers';
  const later = ledger.corrected.has(id) ? ', corrected later' : '';
  const moved = `${grams(massMg)} from ${seconds(startedAtUs)} to ${seconds(settledAtUs)}`;
  return `SAID   ${sign(claim.sign)} ${count} × ${product}, ${moved}, ${probabilityPpm} ppm${why}${later}`;
}

function questionLines({
  kind,
  ask,
  massMg,
  startedAtUs,
  settledAtUs,
  atUs,
  candidates,
  settled,
}: Asked): Line[] {
  const among = candidates.map(({ product, count }) => `${count} × ${product}`).join(', ');
  const moved = `${grams(massMg)} from ${seconds(startedAtUs)} to ${seconds(settledAtUs)}`;
  const asked = { atUs, text: `ASKED  ${kind}, ${ask}: ${moved}, among ${among || 'nothing'}` };
  if (settled === undefined) return [asked];
  return [
    asked,
    { atUs: settled.atUs, text: `       the question of ${seconds(atUs)} is settled: ${settled.outcome}` },
  ];
}
