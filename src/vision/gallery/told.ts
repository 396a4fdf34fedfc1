import { z } from 'zod';
import type { Enrolled } from './enrol.ts';

const text = z.string().max(200);
const count = z.int().nonnegative();

/** What came of enrolling, as it is told beyond this process: pictures are numbered from 1, cosines are ppm. */
export const enrolledSchema = z.object({
  look: text,
  /** Pictures and references that the look has now. */
  pictures: count,
  references: count,
  rejected: z.array(z.object({ picture: count, resembles: text.optional() })),
  confused: z.array(z.object({ picture: count, look: text })),
  nearest: z.object({ look: text, cosinePpm: z.int(), similar: z.boolean() }).optional(),
  /** Of the gallery: its version and how many looks it has now. */
  version: text,
  total: count,
});
export type EnrolledTold = z.infer<typeof enrolledSchema>;

/** Tells what came of enrolling. */
export function tellEnrolled(enrolled: Enrolled, version: string) {
  const { look, pictures, references, rejected, confused, nearest, gallery } = enrolled;
  return {
    look,
    pictures,
    references,
    rejected: rejected.map(({ picture, resembles }) => ({
      picture: picture + 1,
      ...(resembles === undefined ? {} : { resembles }),
    })),
    confused: confused.map((one) => ({ picture: one.picture + 1, look: one.look })),
    ...(nearest === undefined
      ? {}
      : {
          nearest: {
            look: nearest.look,
            cosinePpm: Math.round(nearest.cosine * 1_000_000),
            similar: nearest.similar,
          },
        }),
    version,
    total: gallery.looks.length,
  };
}
