import { type Trap, traps } from '#test/traps.ts';

const cell = (text: string) => text.replaceAll('|', '\\|');

function row({ number, trap, behaviour, tests }: Trap): string {
  const files = [...new Set(tests.map(({ file }) => file))];
  const links = files.map((file) => `[${file.replace(/^test\/|\.test\.ts$/g, '')}](../${file})`);
  return `| ${number} | ${cell(trap)} | ${cell(behaviour)} | ${links.join(', ')} |`;
}

/** docs/traps.md: the mistakes that Cartwright is held not to make, and the tests that hold it to that. */
function trapsDocument(): string {
  const tables = traps.flatMap(({ area, traps: own }) => [
    `## ${area}`,
    '',
    '| | trap | what Cartwright does | held to it by |',
    '|---|---|---|---|',
    ...own.map(row),
    '',
  ]);
  return [
    '# Twenty traps',
    '',
    '<!-- Made from test/traps.ts by `npm run docs`. Edit that. -->',
    '',
    'Mistakes that carts and shelves are easily built with. For each there are tests that fail when the right behaviour is taken out;',
    'their titles are in [test/traps.ts](../test/traps.ts).',
    '',
    ...tables,
  ].join('\n');
}

/** The document of the traps, made from the list that names their tests. */
export const trapsDocuments: readonly { readonly path: string; readonly render: () => string }[] = [
  { path: 'docs/traps.md', render: trapsDocument },
];
