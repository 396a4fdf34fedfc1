import { attackers, type Threat } from '#test/threats.ts';

const assets = [
  [
    'what shoppers pay',
    'events of the ledger, baskets, prices: nobody but the cart itself makes them up, none is lost or told twice',
  ],
  ['the store’s systems', 'a cart that is taken over must not become a way into them'],
  [
    'identities',
    'keys of devices, the authority’s root and issuing keys, keys that sign commands and releases',
  ],
  ['the scale', 'calibration and its record: who changed what, and when'],
  ['shoppers', 'their pictures, baskets, tokens'],
  ['being in service', 'fifty carts that work on Saturday at noon'],
] as const;

/** Honest about what is not held: each is somebody's decision to live with, or to add to. */
const open = [
  [
    'Whoever has the cart in hands and time',
    'reads its card: the key is a file (mode 0600), not in a secure element, and the card is not encrypted. What the key opens is that one cart, until it is revoked. Report stolen carts at once.',
  ],
  [
    'Binding to hardware is against accidents',
    'A copied card stops by itself; somebody who wants to can take the binding away, or lie about serial numbers. Against that there is revoking, and two connections that notice each other.',
  ],
  [
    'The machine of the authority',
    'holds root and issuing key, unencrypted. Whoever has it makes devices of this store. Keep it on a machine that does little else, and its backup locked away.',
  ],
  [
    'Certificates of servers',
    'can’t be revoked one by one: whoever takes the broker’s key can stand in its place until its certificate ends. Make a new authority then (authority init elsewhere, claims with --replace), and keep the broker’s machine closed.',
  ],
  [
    'Logins of the broker',
    'are shared passwords. One of them can end a cart’s connection (by its client id) and read what its login may; it commands nothing. Give each person one, and change them.',
  ],
  [
    'The broker itself',
    'sees everything, and could hold back or drop messages. It can’t forge commands, key lists or releases. Dropped events are sent again where the store acknowledges.',
  ],
  ['The network', 'can be taken away (jamming, pulled plugs). Carts sell on without it and deliver later.'],
  [
    'Root on the cart',
    'can do all that the cart can. Services run without rights and in a sandbox; the way in is the maintenance login that you make.',
  ],
  [
    'Flooding from inside',
    'a login of the broker may fill it. Limits keep the gateway sensing, not the broker fast.',
  ],
  [
    'The clock before anything was heard',
    'begins at the last instant that the device knew, or when its release was made. A certificate that ran out after that is seen only once there is a time source.',
  ],
  [
    'Packages below us',
    'Debian, Node.js, npm packages: pinned and listed in the bill of materials of each release, not reviewed line by line.',
  ],
] as const;

const cell = (text: string) => text.replaceAll('|', '\\|');

function row({ threat, held, tests }: Threat): string {
  const shown = tests.map(
    ({ file, title }) => `[${file.replace(/^test\/|(?:\.test)?\.ts$/g, '')}](../../${file}): ${title}`,
  );
  return `| ${cell(threat)} | ${cell(held)} | ${shown.map(cell).join('<br>')} |`;
}

function threatsDocument(): string {
  const tables = attackers.flatMap(({ attacker, threats }) => [
    `### ${attacker}`,
    '',
    '| may try | what holds it off | held to it by |',
    '|---|---|---|',
    ...threats.map(row),
    '',
  ]);
  return [
    '# Threat model',
    '',
    '<!-- Made from test/threats.ts and scripts/docs/threats.ts by `npm run docs`. Edit those. -->',
    '',
    'Who might do what to a store’s carts, what holds it off, and the test that fails when it no longer does. A test of this repository checks',
    'that every one of them exists. How to report what is missing here: [security-policy.md](security-policy.md).',
    '',
    '## What is worth something',
    '',
    '| | |',
    '|---|---|',
    ...assets.map(([what, why]) => `| ${what} | ${why} |`),
    '',
    '## What is held off',
    '',
    ...tables,
    '## What is not',
    '',
    '| | |',
    '|---|---|',
    ...open.map(([what, why]) => `| ${what} | ${why} |`),
    '',
  ].join('\n');
}

/** The threat model, made from the list that names its tests. */
export const threatsDocuments: readonly { readonly path: string; readonly render: () => string }[] = [
  { path: 'docs/operator/threat-model.md', render: threatsDocument },
];
