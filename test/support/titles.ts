/** Titles of the tests that a source has and runs, in whatever quotes, with `…` for what a loop puts in. */
export function titlesOf(source: string): string[] {
  // Where a tool is needed, some sources begin their tests by another name (`needs` of test/tools.ts); cases of test/boot are one a file.
  const begun =
    /^\s*(?:(?:test|onHost|onChip)(?:\.serial)?\(|export const title =)\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`([^`]*)`)[,;]/gm;
  return [...source.matchAll(begun)].map(
    ([, single, double, template]) => single ?? double ?? template?.replace(/\$\{[^}]*\}/g, '…') ?? '',
  );
}
