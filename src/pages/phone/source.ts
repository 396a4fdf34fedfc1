import type { basketSnapshot } from '#events/data/baskets.ts';
import type { Infer } from '#events/fields.ts';

/** The basket as a phone gets it: the JSON view of the snapshot. */
export type PhoneBasket = Infer<typeof basketSnapshot>;
