/** A name of which no line ends between a number and its unit. */
export function unbroken(name: string): string {
  return name.replace(/(\d) (?=(?:k?g|[mcd]?l)(?!\p{L}))/giu, '$1\u00a0');
}
