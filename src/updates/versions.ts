/**
 * Order of two semantic versions (semver.org, item 11): below 0 where `a` is the older one, 0 where neither is. A version
 * with a tag behind it (1.5.0-rc.1) is older than the one without.
 */
export function compareVersions(a: string, b: string): number {
  const [coreA, tagA] = parts(a);
  const [coreB, tagB] = parts(b);
  const core = compareLists(coreA, coreB);
  if (core !== 0) return core;
  if (tagA === undefined || tagB === undefined)
    return Number(tagB !== undefined) - Number(tagA !== undefined);
  return compareLists(tagA, tagB);
}

function parts(version: string): readonly [readonly string[], readonly string[] | undefined] {
  const at = version.indexOf('-');
  if (at < 0) return [version.split('.'), undefined];
  return [version.slice(0, at).split('.'), version.slice(at + 1).split('.')];
}

function compareLists(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [left, right] = [a[i], b[i]];
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    const order = compareParts(left, right);
    if (order !== 0) return order;
  }
  return 0;
}

const digits = /^\d+$/;

/** Numbers by value and before all else; the rest by its characters' codes. */
function compareParts(a: string, b: string): number {
  const [numberA, numberB] = [digits.test(a), digits.test(b)];
  if (numberA && numberB) return Number(a) - Number(b);
  if (numberA !== numberB) return numberA ? -1 : 1;
  return a < b ? -1 : Number(a > b);
}
