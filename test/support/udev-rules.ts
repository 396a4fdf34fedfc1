/** One `KEY{attribute} operator "value"` of a rule. */
export interface RuleToken {
  readonly key: string;
  readonly attribute: string;
  readonly operator: string;
  readonly value: string;
}
export interface Rule {
  readonly line: number;
  readonly tokens: readonly RuleToken[];
}

/** Keys of udev(7) and which operators each takes: m matches, a assigns. */
const keys: Readonly<Record<string, string>> = {
  ACTION: 'm',
  KERNEL: 'm',
  SUBSYSTEM: 'm',
  SUBSYSTEMS: 'm',
  KERNELS: 'm',
  DRIVERS: 'm',
  'ATTR{}': 'ma',
  'ATTRS{}': 'm',
  'ENV{}': 'ma',
  TAG: 'ma',
  PROGRAM: 'm',
  RESULT: 'm',
  GROUP: 'a',
  MODE: 'a',
  OWNER: 'a',
  SYMLINK: 'ma',
  GOTO: 'a',
  LABEL: 'a',
  RUN: 'a',
  'IMPORT{}': 'm',
};

/** Parses a rules file. Throws with the line of whatever udev would drop: an unknown key or operator, a stray character, a missing label. */
export function parseRules(text: string): Rule[] {
  const rules: Rule[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    rules.push({ line: index + 1, tokens: parseLine(line, index + 1) });
  }
  const labels = new Set(rules.flatMap(({ tokens }) => valuesOf(tokens, 'LABEL')));
  for (const { line, tokens } of rules) {
    for (const label of valuesOf(tokens, 'GOTO')) {
      if (!labels.has(label)) throw new Error(`line ${line}: no label ${label}`);
    }
  }
  return rules;
}

const valuesOf = (tokens: readonly RuleToken[], key: string) =>
  tokens.flatMap((token) => (token.key === key ? [token.value] : []));

function parseLine(line: string, number: number): RuleToken[] {
  const tokens: RuleToken[] = [];
  const pattern = /([A-Z]+)(?:\{([^}]+)\})?(==|!=|\+=|-=|:=|=)"([^"]*)"(?:, |$)/y;
  while (pattern.lastIndex < line.length) {
    const at = pattern.lastIndex;
    const found = pattern.exec(line);
    if (found === null) throw new Error(`line ${number}: can't be read from column ${at + 1}`);
    const [, key = '', attribute = '', operator = '', value = ''] = found;
    const uses = keys[attribute === '' ? key : `${key}{}`];
    const matches = operator === '==' || operator === '!=';
    // PROGRAM and IMPORT are written with one equals sign, though they match.
    const matchesBySign = operator === '=' && (key === 'PROGRAM' || key === 'IMPORT');
    if (uses === undefined || !(uses.includes(matches ? 'm' : 'a') || matchesBySign)) {
      throw new Error(`line ${number}: ${key} can't be used with ${operator}`);
    }
    tokens.push({ key, attribute, operator, value });
  }
  return tokens;
}

/** What udev knows of a device; `attributes` of the one parent that has ids. */
export interface UdevDevice {
  readonly subsystem: string;
  readonly kernel: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** What a PROGRAM would print. */
  readonly program?: string;
}

export interface UdevOutcome {
  group: string | undefined;
  mode: string | undefined;
  readonly tags: Set<string>;
  readonly links: string[];
  readonly environment: Map<string, string>;
}

/** What the rules make of a device that was added: matching and assigning in order, with GOTO, as udev(7) says. */
export function applyRules(rules: readonly Rule[], device: UdevDevice): UdevOutcome {
  const outcome: UdevOutcome = {
    group: undefined,
    mode: undefined,
    tags: new Set(),
    links: [],
    environment: new Map(),
  };
  let skipTo: string | undefined;
  for (const { tokens } of rules) {
    if (skipTo !== undefined) {
      if (!valuesOf(tokens, 'LABEL').includes(skipTo)) continue;
      skipTo = undefined;
    }
    if (tokens.every((token) => holds(token, device, outcome))) {
      for (const token of tokens) assign(token, device, outcome);
      skipTo = valuesOf(tokens, 'GOTO')[0];
    }
  }
  return outcome;
}

function holds(
  { key, attribute, operator, value }: RuleToken,
  device: UdevDevice,
  outcome: UdevOutcome,
): boolean {
  if (operator !== '==' && operator !== '!=') return true;
  const actual: Record<string, string | undefined> = {
    ACTION: 'add',
    KERNEL: device.kernel,
    SUBSYSTEM: device.subsystem,
    RESULT: device.program,
    ENV: outcome.environment.get(attribute),
    ATTRS: device.attributes?.[attribute],
  };
  const text = actual[key];
  const same = text !== undefined && value.split('|').some((pattern) => glob(pattern).test(text));
  // An attribute that isn't there matches neither way; a property that isn't set is empty.
  if (text === undefined && key === 'ATTRS') return false;
  return operator === '==' ? same : !same;
}

const glob = (pattern: string) =>
  new RegExp(
    `^${pattern
      .replace(/[.+^$(){}\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    's',
  );

function assign(
  { key, attribute, operator, value }: RuleToken,
  device: UdevDevice,
  outcome: UdevOutcome,
): void {
  if (operator === '==' || operator === '!=') return;
  const filled = value
    .replace(/\$attr\{(\w+)\}/g, (_, name: string) => device.attributes?.[name] ?? '')
    .replace(/\$env\{(\w+)\}/g, (_, name: string) => outcome.environment.get(name) ?? '');
  if (key === 'GROUP') outcome.group = filled;
  else if (key === 'MODE') outcome.mode = filled;
  else if (key === 'TAG') outcome.tags.add(filled);
  else if (key === 'SYMLINK') outcome.links.push(filled);
  else if (key === 'ENV') outcome.environment.set(attribute, filled);
  else if (key === 'IMPORT' && filled === 'usb_id') {
    const { idVendor = '', idProduct = '', serial } = device.attributes ?? {};
    outcome.environment.set('ID_VENDOR_ID', idVendor).set('ID_MODEL_ID', idProduct);
    outcome.environment.set('ID_USB_INTERFACE_NUM', '00');
    if (serial !== undefined) outcome.environment.set('ID_SERIAL_SHORT', serial);
  }
}
