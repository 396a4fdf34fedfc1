/** A code as a scanner tells it. */
export interface Code {
  readonly text: string;
  /** AIM identifier. */
  readonly symbology: string;
}

/** AIM identifiers by the number of digits: EAN-8, UPC-A (which is an EAN-13 that begins with 0), EAN-13. */
const symbologies: Readonly<Record<number, string>> = { 8: ']E4', 12: ']E0', 13: ']E0' };

/** A number that was typed as it stands under the bars; undefined where its check digit says that it is none. */
export function typedCode(typed: string): Code | undefined {
  const digits = typed.replace(/[\s-]/g, '');
  const symbology = symbologies[digits.length];
  if (symbology === undefined || !/^\d+$/.test(digits) || !isChecked(digits)) return undefined;
  return { text: digits.length === 12 ? `0${digits}` : digits, symbology };
}

/** GS1 General Specifications, 7.9: weights of 3 and 1 in turn, from the digit before the check digit leftwards. */
function isChecked(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, place) => {
    return total + Number(digit) * (place % 2 === 0 ? 1 : 3);
  }, 0);
  return sum % 10 === 0;
}
