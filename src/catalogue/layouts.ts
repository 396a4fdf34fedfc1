import type { Findings } from './collect.ts';
import type { VariableMeasureLayout } from './products.ts';
import type { RawLayout } from './schema.ts';

/** Digits of an EAN-13 before its check digit; a UPC-A counts with its leading zero. */
const bodyDigits = 12;

/** GS1 prefixes for restricted circulation (General Specifications 1.4.2): 02, 04 and 20 to 29. */
const restrictedPrefix = /^(?:0[24]|2[0-9])[0-9]{0,4}$/;

/** The positions that a span covers, or `undefined` when it leaves the body of the code. */
function positions(span: readonly [number, number]): number[] | undefined {
  const [start, length] = span;
  if (start < 0 || length < 1 || start + length > bodyDigits) return undefined;
  return Array.from({ length }, (_, index) => start + index);
}

function checkSpans(layout: RawLayout, path: string, findings: Findings): void {
  const taken = new Map<number, string>();
  for (let i = 0; i < Math.min(layout.prefix.length, bodyDigits); i++) taken.set(i, 'the prefix');
  for (const part of ['item', 'value'] as const) {
    const covered = positions(layout[part]);
    if (covered === undefined) {
      findings.add('CW-CAT-013', `${path}.${part}`, layout[part], `[first, length] within digits 0 to 11`);
      continue;
    }
    const clash = covered.map((position) => taken.get(position)).find((owner) => owner !== undefined);
    // An item number may begin inside the prefix: some retailers count the prefix as its first digits.
    if (clash !== undefined && !(part === 'item' && clash === 'the prefix')) {
      findings.add('CW-CAT-013', `${path}.${part}`, layout[part], `digits that ${clash} does not use`);
    }
    for (const position of covered) taken.set(position, `the ${part}`);
  }
  const { verifier } = layout;
  if (verifier === undefined) return;
  if (verifier < 0 || verifier >= bodyDigits || taken.has(verifier)) {
    findings.add('CW-CAT-013', `${path}.verifier`, verifier, 'a free digit position, 0 to 11');
  }
}

/** Checks layouts one by one and against each other: a code must have one reading at most. */
export function checkLayouts(layouts: readonly RawLayout[], findings: Findings): VariableMeasureLayout[] {
  layouts.forEach((layout, index) => {
    const path = `variableMeasure[${index}]`;
    if (!restrictedPrefix.test(layout.prefix)) {
      findings.add('CW-CAT-013', `${path}.prefix`, layout.prefix, '02, 04 or 20 to 29, at most 6 digits');
    }
    if (layout.decimals < 0 || layout.decimals > 6) {
      findings.add('CW-CAT-013', `${path}.decimals`, layout.decimals, '0 to 6');
    }
    checkSpans(layout, path, findings);
    const twin = layouts
      .slice(0, index)
      .findIndex((other) => other.prefix.startsWith(layout.prefix) || layout.prefix.startsWith(other.prefix));
    if (twin >= 0) {
      const expected = `a prefix that does not overlap variableMeasure[${twin}] (${layouts[twin]?.prefix})`;
      findings.add('CW-CAT-013', `${path}.prefix`, layout.prefix, expected);
    }
  });
  return layouts.map(({ verifier, ...layout }) => ({
    ...layout,
    ...(verifier === undefined ? {} : { verifier }),
  }));
}
