import { VisionError } from '../errors.ts';
import { cosineOf, meanDirection, toBytes } from './embedding.ts';
import { type Gallery, referencesOf, withLook, withoutLook } from './gallery.ts';
import { Lookup } from './lookup.ts';
import { bestLooks, type NearLook } from './recognize.ts';
import { chooseReferences } from './references.ts';
import { findStrangers } from './strangers.ts';

/** Another look is similar where it is nearer to the mean than this, as a share of how far looks usually are. */
const similarWithin = 0.2;
/** A stranger is named after the look that it is this near to. */
const namedWithin = 0.3;
/** From so many looks on, the gallery tells how far looks usually are from each other. */
const tellingLooks = 8;

export interface EnrolOptions {
  /** Forget what the gallery has of this look, instead of adding to it. */
  readonly replace?: boolean;
  /** Keep pictures that seem to show something else, as of a package whose sides have nothing in common. */
  readonly keepAll?: boolean;
}

/** What came of enrolling. Pictures are numbered from 0, in the order in which they were given. */
export interface Enrolled {
  /** The gallery with the look in it. */
  readonly gallery: Gallery;
  readonly look: string;
  /** Pictures that its references are made of, those of earlier times included. */
  readonly pictures: number;
  /** References that it has now. */
  readonly references: number;
  /** Pictures that were left out because they show something else, and what of the gallery, if anything. */
  readonly rejected: readonly Rejected[];
  /** Pictures that look more like another look than like the rest of their own. */
  readonly confused: readonly { readonly picture: number; readonly look: string }[];
  /** The other look that is nearest; `similar` where it is so near that the two will be taken for each other. */
  readonly nearest?: NearLook & { readonly similar: boolean };
}

interface Rejected {
  readonly picture: number;
  readonly resembles?: string;
}

/**
 * Makes references of a look out of embeddings of a few pictures, one each, and puts them into the gallery: see
 * `chooseReferences` for which, and `findStrangers` for what is left out. Distances are 1 - cosine and are judged against
 * each other and against how far the gallery's looks are from this one, because a model may crowd its embeddings.
 *
 * Throws CW-VIS-010 for embeddings of another number of values than the gallery's, CW-VIS-011 where there is no room,
 * CW-VIS-017 where there are no pictures or not half of them can be used, and names which.
 */
export function enrol(
  gallery: Gallery,
  look: string,
  embeddings: readonly Int8Array[],
  options: EnrolOptions = {},
): Enrolled {
  const pictures = embeddings.map((embedding, index) => checked(gallery, embedding, index));
  if (pictures.length === 0) throw new VisionError('CW-VIS-017', 'there is no picture to enrol');
  const others = new Lookup(withoutLook(gallery, look));
  const usual = usualDistance(others, meanDirection(pictures));
  const known = options.replace === true ? undefined : gallery.looks.find((one) => one.look === look);
  const earlier = known === undefined ? [] : referencesOf(gallery, look);
  const strangers = options.keepAll === true ? [] : findStrangers(pictures, usual, earlier);
  const rejected = strangers.map((picture) => rejection(others, pictures, picture, usual));
  const used = pictures.filter((_, picture) => !strangers.includes(picture));
  if (used.length === 0 || used.length * 2 < pictures.length) throw disagreeing(rejected, pictures.length);
  const references = chooseReferences({ references: earlier, pictures: known?.pictures ?? 0 }, used);
  const total = (known?.pictures ?? 0) + used.length;
  const [nearest] = bestLooks(others, meanDirection(used));
  return {
    gallery: withLook(gallery, look, references, total),
    look,
    pictures: total,
    references: references.length,
    rejected,
    confused: findConfused(others, pictures, strangers, earlier),
    ...(nearest === undefined
      ? {}
      : { nearest: { ...nearest, similar: 1 - nearest.cosine < similarWithin * usual } }),
  };
}

function checked({ dimensions }: Gallery, embedding: Int8Array, index: number): Int8Array {
  if (embedding.length !== dimensions) {
    throw new VisionError(
      'CW-VIS-010',
      `the embedding of picture ${index + 1} has ${embedding.length} values, the gallery's have ${dimensions}: they are of different models`,
    );
  }
  const values = toBytes(embedding);
  if (values !== undefined) return values;
  throw new VisionError(
    'CW-VIS-017',
    `the embedding of picture ${index + 1} is all zeros; take another picture`,
  );
}

/**
 * How far looks usually are from an embedding: the median distance. 1, as of unrelated things for a model whose
 * embeddings are spread evenly, while the gallery holds too few to tell.
 */
function usualDistance(others: Lookup, embedding: Float32Array): number {
  const cosines = others.bestCosines(embedding).toSorted();
  return cosines.length < tellingLooks ? 1 : 1 - (cosines[cosines.length >> 1] ?? 0);
}

function rejection(others: Lookup, pictures: readonly Int8Array[], picture: number, usual: number): Rejected {
  const values = pictures[picture];
  const [resembled] = values === undefined ? [] : bestLooks(others, values);
  const near = resembled !== undefined && 1 - resembled.cosine < namedWithin * usual;
  return near ? { picture, resembles: resembled.look } : { picture };
}

function disagreeing(rejected: readonly Rejected[], count: number): VisionError {
  const names = rejected.map(({ picture }) => picture + 1);
  return new VisionError(
    'CW-VIS-017',
    `of ${count} pictures, ${names.join(' and ')} have nothing in common with the others; take pictures of one product that fill the frame, or keep them all if they are sides of one package`,
    { details: { rejected: names } },
  );
}

/** Pictures that another look is nearer to than the rest of their own look is. */
function findConfused(
  others: Lookup,
  pictures: readonly Int8Array[],
  strangers: readonly number[],
  earlier: readonly Int8Array[],
): Enrolled['confused'] {
  return pictures.flatMap((values, picture) => {
    if (strangers.includes(picture)) return [];
    const rest = pictures.filter((_, index) => index !== picture && !strangers.includes(index));
    const own = [...earlier, ...rest, ...(rest.length > 1 ? [meanDirection(rest)] : [])];
    if (own.length === 0) return [];
    const [other] = bestLooks(others, values);
    const nearer = other !== undefined && own.every((one) => cosineOf(one, values) < other.cosine);
    return nearer ? [{ picture, look: other.look }] : [];
  });
}
