/** A top-level collection of a HID device: what it is used as. */
export interface HidUsage {
  readonly usagePage: number;
  readonly usage: number;
}

/**
 * The application collections of a HID report descriptor, each once, in its order (USB HID 1.11, 6.2.2: items of a size
 * in the lowest two bits, a type and a tag; long items are skipped). A damaged descriptor yields what came before the
 * damage.
 */
export function usagesOf(descriptor: Uint8Array): HidUsage[] {
  const found: HidUsage[] = [];
  let usagePage = 0;
  let usage: number | undefined;
  let depth = 0;
  for (let at = 0; at < descriptor.length; ) {
    const prefix = descriptor[at] ?? 0;
    if (prefix === 0xfe) {
      at += 3 + (descriptor[at + 1] ?? 0);
      continue;
    }
    const size = [0, 1, 2, 4][prefix & 3] ?? 0;
    if (at + 1 + size > descriptor.length) break;
    let value = 0;
    for (let i = size; i > 0; i--) value = value * 256 + (descriptor[at + i] ?? 0);
    at += 1 + size;
    switch (prefix & 0xfc) {
      case 0x04:
        usagePage = value;
        break;
      case 0x08:
        // A usage of four bytes carries its page in the upper half. The first of several names the collection.
        usage ??= size === 4 ? value : usagePage * 65_536 + value;
        break;
      case 0xa0:
        if (depth === 0 && value === 1 && usage !== undefined) add(found, usage);
        depth += 1;
        usage = undefined;
        break;
      case 0xc0:
        depth = Math.max(0, depth - 1);
        usage = undefined;
        break;
      case 0x80:
      case 0x90:
      case 0xb0:
        usage = undefined;
        break;
    }
  }
  return found;
}

function add(found: HidUsage[], full: number): void {
  const usagePage = Math.floor(full / 65_536);
  const usage = full % 65_536;
  if (!found.some((other) => other.usagePage === usagePage && other.usage === usage)) {
    found.push({ usagePage, usage });
  }
}
