import { describeSchema } from '#config/describe.ts';
import { type Scenario, scenarioSchema } from './scenario.ts';

const head = `# Scenarios

<!-- Made from src/simulation/scenario.ts and config/scenarios by \`npm run docs\`. Edit those. -->

A scenario is a scripted trip in a simulated world: what a shopper does, step by step, with a cart or at a shelf. The
world answers as physics does: cells at their places under a plate share the load, plates ring when something is put
down, converters add noise, cells creep and drift, the frame shakes as the cart rolls, and hands lean where they
should not. Everything that is by chance follows from the seed: the same seed gives the same bytes.

\`\`\`sh
scripts/cartwright simulate config/scenarios/demo-trip.yaml --trace /tmp/trip   # as a trace with truth lines
scripts/cartwright score /tmp/trip/trace.ndjson                                 # what the gateway made of it
\`\`\`

The driver \`virtual-world\` plays the same scenario in real time for the virtual devices of a board such as
\`demo-cart\`. Commands in a scenario are the shopper's: \`simulate\` writes them into the trace, the demo sends them
over MQTT.

- Steps follow one another with **human pauses** drawn by the seed (\`pace\` stretches them). \`after\` fixes one
  pause, and \`background: true\` lets the next step begin beside a long one.
- A step has **exactly one action**: the key that names it.
- **Things keep their mass.** What is put in has a mass drawn from the catalogue's mean and spread; what is taken is
  that very thing, and what is put back is what was taken.
- **Truth** is noted when the hand lets go or the thing leaves the plate: \`added\` and \`removed\` in a cart; \`taken\`
  on a shelf, \`returned\` where the planogram has the product on that plate, else \`misplaced\`.

\`\`\`yaml
scenario: 1
name: put-back
title: "Two products go in, one of them comes out again."
board: demo-cart
catalogue: ../catalogues/demo.json
seed: 13
steps:
  - { command: { name: session.begin, args: { token: QR-SCEN-0001 } }, after: 0.5 }
  - { scan: { gtin: "03017620422003" } }
  - { put: { gtin: "03017620422003" } }
  - { take: { gtin: "03017620422003" }, after: 2.5 }
\`\`\`
`;

/** docs/scenarios.md: every key of the format, the figures of a score, and the scenarios that are shipped. */
export function scenarioDocument(
  shipped: readonly Pick<Scenario, 'name' | 'title' | 'board'>[],
  figures: readonly { readonly name: string; readonly meaning: string }[],
): string {
  // `swap` holds the keys of `take` and `put` once more.
  const described = describeSchema(scenarioSchema).filter((key) => !/\.swap\.\w+\./.test(key.path));
  const keys = described.map((key) => {
    const value = key.default === undefined ? (key.required ? '**required**' : '') : `\`${key.default}\``;
    const range = key.range.length > 60 ? '' : key.range;
    const cells = [`\`${key.path}\``, key.type, range, value, key.description];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return [
    head,
    '## Keys\n',
    '| key | type | range | default | what |',
    '|---|---|---|---|---|',
    ...keys,
    '\n## Scores\n',
    '`scripts/cartwright score` holds every decision against the truth, unit by unit. What really moved is',
    '*units* = *right* + *ask+right* + *ask-only* + *missed*; *wrong* counts what was decided and never happened.\n',
    '| column | what it counts |',
    '|---|---|',
    ...figures.map(({ name, meaning }) => `| ${name} | ${meaning} |`),
    '\n## Shipped scenarios\n',
    '| scenario | board | what it shows |',
    '|---|---|---|',
    ...shipped.map(
      ({ name, board, title }) =>
        `| [${name}](../config/scenarios/${name}.yaml) | \`${board}\` | ${title.replaceAll('|', '\\|')} |`,
    ),
    '',
  ].join('\n');
}
