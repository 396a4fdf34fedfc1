/**
 * Produce look-up codes (IFPS): 3000–4999, the same after a 9 for organic produce, and 83000–84999. The whole text must be
 * one, no more and no less.
 */
export function isPlu(text: string): boolean {
  return /^(?:9?[34][0-9]{3}|8[34][0-9]{3})$/.test(text);
}
