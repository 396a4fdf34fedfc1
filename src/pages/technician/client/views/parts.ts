import { type Attributes, type Child, h } from '../../../client/dom.ts';

/** A button that does `act`; `data` goes with it. */
export function button(label: Child, act: string, more: Attributes = {}): HTMLElement {
  return h('button', { type: 'button', 'data-act': act, ...more }, label);
}

export function card(title: string, ...children: readonly Child[]): HTMLElement {
  const id = `t-${title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
  return h(
    'section',
    { class: 'card', 'aria-labelledby': id, 'data-key': id },
    h('h2', { id }, title),
    ...children,
  );
}

/** A state by word and shape, never by colour alone. */
export function badge(kind: 'good' | 'warn' | 'bad' | 'plain', word: string): HTMLElement {
  // The plus stands in a square on its corner, and so is a cross.
  const shape = { good: '✓', warn: '!', bad: '+', plain: '–' }[kind];
  return h(
    'span',
    { class: `badge ${kind}` },
    h('span', { class: 'shape', 'aria-hidden': 'true' }, shape),
    h('span', {}, word),
  );
}

/** @param form tells fields of one name in several forms apart */
export function field(
  label: string,
  name: string,
  more: Attributes = {},
  hint?: string,
  form = 'f',
): HTMLElement {
  const id = `${form}-${name}`;
  const described = hint === undefined ? {} : { 'aria-describedby': `${id}-hint` };
  return h(
    'div',
    { class: 'field', 'data-key': id },
    h('label', { for: id }, label),
    h('input', { id, name, autocomplete: 'off', ...described, ...more }),
    hint !== undefined && h('p', { class: 'hint', id: `${id}-hint` }, hint),
  );
}

export function choice(
  label: string,
  name: string,
  options: readonly (readonly [value: string, text: string])[],
  chosen?: string,
  form = 'f',
): HTMLElement {
  const id = `${form}-${name}`;
  return h(
    'div',
    { class: 'field', 'data-key': id },
    h('label', { for: id }, label),
    h(
      'select',
      { id, name },
      options.map(([value, text]) => h('option', { value, selected: value === chosen }, text)),
    ),
  );
}

/** A table that scrolls by itself on a narrow screen, reachable by keyboard. */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly Child[])[],
): HTMLElement {
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': caption },
    h(
      'table',
      {},
      h('caption', { class: 'sr' }, caption),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          head.map((name) => h('th', { scope: 'col' }, name)),
        ),
      ),
      h(
        'tbody',
        {},
        rows.map((cells) =>
          h(
            'tr',
            {},
            cells.map((cell) => h('td', {}, cell)),
          ),
        ),
      ),
    ),
  );
}

export function facts(pairs: readonly (readonly [string, Child])[]): HTMLElement {
  return h(
    'dl',
    { class: 'facts' },
    pairs.map(([name, value]) =>
      h('div', { 'data-key': `fact-${name}` }, h('dt', {}, name), h('dd', {}, value)),
    ),
  );
}

/** `zeroReturn` → `Zero return` */
export function spoken(name: string): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[-_.]/g, ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Anything an answer may hold, for people: what this page does not know yet is shown all the same. */
export function anything(value: unknown): Child {
  if (value === undefined || value === null) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return value.toLocaleString('en-GB');
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) {
    if (value.every((one) => typeof one !== 'object')) return value.map(String).join(', ');
    return h(
      'ol',
      { class: 'plain' },
      value.map((one) => h('li', {}, anything(one))),
    );
  }
  return facts(Object.entries(value as object).map(([name, inner]) => [spoken(name), anything(inner)]));
}
