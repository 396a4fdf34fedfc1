import type { ComponentType } from './specification.ts';

/** GS1 AI encodable character set 82, in the order of its values (General Specifications 7.11, figure 7.11-1). */
export const cset82 = '!"%&\'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
/** Character set 39 (figure 7.11-2). */
export const cset39 = '#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** File-safe and URI-safe base64 (figure 7.11-3); `=` pads at the end only. */
export const cset64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** The set of alphanumeric check characters, in the order of their values (7.9.5). */
export const cset32 = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';

const sets: Readonly<Record<ComponentType, ReadonlySet<string>>> = {
  N: new Set('0123456789'),
  X: new Set(cset82),
  Y: new Set(cset39),
  Z: new Set(cset64),
};

/** The first character of `value` that its type does not allow; `undefined` where all are allowed. */
export function strangeCharacter(type: ComponentType, value: string): string | undefined {
  const allowed = sets[type];
  // Padding to whole groups of four is optional (RFC 4648 section 3.2).
  const content = type === 'Z' && value.length % 4 === 0 ? value.replace(/={1,2}$/, '') : value;
  for (const character of content) if (!allowed.has(character)) return character;
  return undefined;
}
