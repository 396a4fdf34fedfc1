const longestName = 64;

/** Words that stay small inside a name made of capitalised words. */
const smallWords = /^(?:di|del|della|delle|dei|e|al|alla|d'|in|the|srl|s\.p\.a\.)$/i;

/** `MULINO BIANCO` and `mulino bianco` become `Mulino Bianco`; mixed case is the maker's own and stays. */
function brandCase(brand: string): string {
  const uniform = brand === brand.toUpperCase() || brand === brand.toLowerCase();
  if (!uniform || brand.length <= 3) return brand;
  return brand
    .toLowerCase()
    .split(' ')
    .map((word, index) => (index > 0 && smallWords.test(word) ? word : upperFirst(word)))
    .join(' ');
}

function upperFirst(text: string): string {
  return text === '' ? '' : text.charAt(0).toLocaleUpperCase('en') + text.slice(1);
}

/** Quantities inside names (`GR. 240`, `500g`, `1 kg`) repeat what the quantity says, often wrongly. */
const quantityWords = /\b(?:gr?\.? ?\d+|\d+(?:[.,]\d+)? ?(?:kg|gr?|ml|cl|litri|litro|l))\b\.?/giu;

/**
 * The name that shoppers read: brand, product, quantity. `undefined` where the entry has no brand, says nothing
 * beside the brand, or would not fit a display.
 */
export function displayName(name: string, brand: string, net: number, unit: 'g' | 'ml'): string | undefined {
  const maker = brandCase(brand.split(',')[0]?.replace(/\s+/g, ' ').trim() ?? '');
  let product = name.replace(quantityWords, ' ');
  for (const part of [brand, maker, maker.replaceAll(' ', '')]) {
    if (part !== '') product = product.replaceAll(new RegExp(escapePattern(part), 'giu'), ' ');
  }
  product = product
    .replace(/\s+/g, ' ')
    .replace(/^[\s,;:.-]+|[\s,;:.&-]+$/g, '')
    .replace(/ n°?$/i, '')
    .trim();
  if (product === product.toUpperCase()) product = product.toLowerCase();
  if (maker.length < 2 || product.length < 4) return undefined;
  const text = `${upperFirst(maker)} ${upperFirst(product)}, ${quantity(net, unit)}`;
  return text.length <= longestName ? text : undefined;
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** `500 g`, `1.5 kg`, `750 ml`, `1 l`. */
function quantity(net: number, unit: 'g' | 'ml'): string {
  if (net < 1000) return `${Number(net.toFixed(1))} ${unit}`;
  return `${Number((net / 1000).toFixed(3))} ${unit === 'g' ? 'kg' : 'l'}`;
}
