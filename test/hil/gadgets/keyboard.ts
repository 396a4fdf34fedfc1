/**
 * What a barcode scanner that poses as a keyboard types, as reports of the boot protocol (HID usage tables, page 0x07,
 * US layout).
 */

const shifted: Readonly<Record<string, string>> = {
  '!': '1',
  '@': '2',
  '#': '3',
  $: '4',
  '%': '5',
  '^': '6',
  '&': '7',
  '*': '8',
  '(': '9',
  ')': '0',
  _: '-',
  '+': '=',
  '{': '[',
  '}': ']',
};
const plain: Readonly<Record<string, number>> = {
  '\n': 0x28,
  '\t': 0x2b,
  ' ': 0x2c,
  '-': 0x2d,
  '=': 0x2e,
  '[': 0x2f,
  ']': 0x30,
  '0': 0x27,
};

function usageOf(letter: string): { readonly usage: number; readonly shift: boolean } {
  const lower = shifted[letter] ?? letter.toLowerCase();
  const shift = lower !== letter;
  const known = plain[lower];
  if (known !== undefined) return { usage: known, shift };
  if (/^[a-z]$/.test(lower)) return { usage: 0x04 + lower.charCodeAt(0) - 97, shift };
  if (/^[1-9]$/.test(lower)) return { usage: 0x1e + lower.charCodeAt(0) - 49, shift };
  throw new Error(`no key for ${JSON.stringify(letter)}`);
}

/** Reports, hexadecimal, that type `text` on a US keyboard: each key pressed and released. */
export function typed(text: string): string[] {
  return [...text].flatMap((letter) => {
    const { usage, shift } = usageOf(letter);
    const pressed = Buffer.from([shift ? 0x02 : 0, 0, usage, 0, 0, 0, 0, 0]);
    return [pressed.toString('hex'), '00'.repeat(8)];
  });
}
