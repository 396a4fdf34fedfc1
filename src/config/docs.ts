import { boardSchema, calibrationSchema } from './board.ts';
import { describeSchema, type KeyDescription } from './describe.ts';
import { overrideName } from './environment.ts';
import { configSchema } from './schema.ts';

const head = `# Configuration

<!-- Made from the schemas in src/config by \`npm run docs\`. Edit those. -->

Three files say what a gateway is: the **configuration** names the store and the device and what differs from the
usual, the **board profile** describes the hardware, the **calibration** holds what a technician measured on it.
They are YAML 1.2 (JSON is YAML). Unknown keys are errors: a misspelt key never passes in silence.

\`scripts/cartwright check FILE\` reads all three with the catalogue, checks them against each other, and explains in
words what they mean. Each error names file, line and column, key, what was found and what would be valid.

- **Relative paths** count from the folder of the configuration file.
- **\`\${NAME}\`** in a text is replaced by the environment variable; \`\${NAME:-default}\` has a default, and \`$\${NAME}\`
  stands for itself. A variable that is not set is an error.
- **\`CARTWRIGHT_…\` variables** override single keys: levels are joined by \`__\`, so \`CARTWRIGHT_BROKER__URL\` is
  \`broker.url\`. They are never written back to the file.
- **Older versions** of a format are read: the file is brought up to date in memory, one version at a time, and what
  changed is told. A newer version than the release knows is refused.
- **Numbers** are integers wherever a unit is in the name; masses are in mg and times in ms or s.

A file with every key is [config/cartwright.example.yaml](../config/cartwright.example.yaml).
`;

/** docs/configuration.md: every key of the three formats. */
export function configurationDocument(): string {
  return [
    head,
    '## cartwright.yaml\n',
    table(describeSchema(configSchema), true),
    '\n## Board profile\n',
    'A model of hardware as data, in `boards/NAME.yaml`. Devices bind by stable identity (serial number, USB topology,',
    '`/dev/serial/by-id`), never by `/dev/ttyUSB0`. A plate has either `cells` or `scale`, or is `kind: unweighed`. The',
    'number of intervals Max / e of a plate must be that of OIML class III: 100 to 10,000, from e = 5 g on at least 500.',
    'With Max spread evenly no cell may be loaded beyond its capacity (an error); with Max over one corner it should not',
    'be either (a warning): `check` computes both, dead load included. A device that is reached through another names it in',
    '`options.bus`; a device that delivers cells lists them in `options.cells`.\n',
    table(describeSchema(boardSchema), false),
    '\n## Calibration\n',
    'One revision, as the technician’s procedure writes it. It must have every cell of the board.\n',
    table(describeSchema(calibrationSchema), false),
    '',
  ].join('\n');
}

function table(keys: readonly KeyDescription[], variables: boolean): string {
  const rows = keys.map((key) => {
    const value = key.default === undefined ? (key.required ? '**required**' : '') : `\`${key.default}\``;
    const variable =
      variables && !key.group && !key.path.includes('[')
        ? `<br>\`${overrideName(key.path.split('.'))}\``
        : '';
    const cells = [`\`${key.path}\``, key.type, key.unit, key.range, value, `${key.description}${variable}`];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| key | type | unit | range | default | what |', '|---|---|---|---|---|---|', ...rows].join('\n');
}

/** Values of the example for keys without a default. */
const exampleValues: Readonly<Record<string, string>> = {
  cartwright: '1',
  store: 'my-store',
  device: 'cart-0001',
  board: 'cart-pi5',
  calibration: 'calibration.json',
  catalogue: 'catalogue.json',
  planogram: 'planogram.json',
  'broker.username': 'cart-0001',
  'broker.passwordFile': 'broker-password',
  'broker.caFile': 'store-ca.pem',
  'broker.certFile': 'cart-0001.pem',
  'broker.keyFile': 'cart-0001-key.pem',
  'commands.keysFile': 'keys.json',
  'commands.rootKeyFile': 'root-key.pem',
  'display.pictures': 'pictures',
  'display.phone.page': 'https://phone.my-store.example/',
  'display.phone.broker': 'wss://phone.my-store.example/mqtt',
  'session.loyaltyPattern': '"^QR-CARD-[0-9]{8}$"',
};

/** Groups that are nothing by default: they may be left out, but not one of the keys they need. */
function optionalGroups(keys: readonly KeyDescription[]): string[] {
  const parent = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('.')));
  const needing = new Set(keys.filter(({ required }) => required).map(({ path }) => parent(path)));
  return keys
    .filter(({ path, group, required }) => group && !required && needing.has(path))
    .map(({ path }) => path);
}

/** config/cartwright.example.yaml: every key with its default; optional keys without one are commented out. */
export function exampleConfig(): string {
  const lines = [
    '# Every key of cartwright.yaml with its default. Made from the schema by `npm run docs`; docs/configuration.md',
    '# explains it. A real file needs the first four keys, and whatever shall differ from the defaults.',
  ];
  const keys = describeSchema(configSchema);
  const optional = optionalGroups(keys);
  for (const key of keys) {
    const parts = key.path.split('.');
    const indent = '  '.repeat(parts.length - 1);
    const isOff = optional.some((group) => key.path === group || key.path.startsWith(`${group}.`));
    const name = `${indent}${isOff ? '# ' : ''}${parts.at(-1)}:`;
    if (key.group) {
      lines.push('', `${indent}# ${key.description}`, name);
      continue;
    }
    if (parts.length === 1) lines.push('');
    const range = key.range === '' ? '' : ` [${key.range}]`;
    const example = exampleValues[key.path];
    lines.push(`${indent}# ${key.description}${range}`);
    if (key.required) lines.push(`${name} ${example ?? ''}`);
    else if (key.default === undefined) lines.push(`${indent}# ${parts.at(-1)}: ${example ?? ''}`);
    else lines.push(`${name} ${key.default.replace(/^"([a-z]+)"$/, '$1')}`);
  }
  return `${lines.join('\n')}\n`;
}
