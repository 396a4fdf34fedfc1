import { checkRoom, type Gallery, type GalleryLook } from './gallery.ts';

/** A gallery that follows the store's, with what was done on the device. */
interface Merged {
  readonly gallery: Gallery;
  /** Looks that are the device's own. */
  readonly kept: number;
  /** Looks of the store's that were removed on the device. */
  readonly removed: number;
}

interface Held {
  readonly entry: GalleryLook;
  readonly rows: Int8Array;
}

/**
 * The store's new gallery, with what was enrolled or removed on the device since `before`: that stays, look by look, until a
 * version of the store's brings the look, or brings it changed. All are of one model. Throws CW-VIS-011 where there is no
 * room for both.
 *
 * @param own what is in force on the device
 * @param before what that was made from: the store's version before, or the gallery that came with the model
 */
export function mergeGalleries(store: Gallery, own: Gallery, before: Gallery | undefined): Merged {
  const [news, owns, olds] = [indexOf(store), indexOf(own), indexOf(before)];
  const chosen: Held[] = [];
  let kept = 0;
  let removed = 0;
  for (const [look, brought] of news) {
    const mine = owns.get(look);
    if (!isSame(brought, olds.get(look))) chosen.push(brought);
    else if (mine === undefined) removed += 1;
    else {
      chosen.push(mine);
      if (!isSame(mine, brought)) kept += 1;
    }
  }
  for (const [look, mine] of owns) {
    if (news.has(look) || isSame(mine, olds.get(look))) continue;
    chosen.push(mine);
    kept += 1;
  }
  return { gallery: galleryOfHeld(store, chosen), kept, removed };
}

function galleryOfHeld({ space, dimensions }: Gallery, held: readonly Held[]): Gallery {
  const references = held.reduce((sum, { entry }) => sum + entry.references, 0);
  checkRoom(references);
  const matrix = new Int8Array(references * dimensions);
  let at = 0;
  for (const { rows } of held) {
    matrix.set(rows, at);
    at += rows.length;
  }
  return { space, dimensions, looks: held.map(({ entry }) => entry), matrix };
}

function indexOf(gallery: Gallery | undefined): ReadonlyMap<string, Held> {
  const held = new Map<string, Held>();
  if (gallery === undefined) return held;
  let at = 0;
  for (const entry of gallery.looks) {
    const end = at + entry.references * gallery.dimensions;
    held.set(entry.look, { entry, rows: gallery.matrix.subarray(at, end) });
    at = end;
  }
  return held;
}

function isSame(one: Held, other: Held | undefined): boolean {
  if (other === undefined || one.entry.pictures !== other.entry.pictures) return false;
  const { buffer, byteOffset, length } = one.rows;
  return Buffer.from(buffer, byteOffset, length).equals(
    Buffer.from(other.rows.buffer, other.rows.byteOffset, other.rows.length),
  );
}
