import { type Handlers, plain } from './targets.ts';

/** Commands of display and till about payment. */
export const checkoutCommands: Pick<
  Handlers,
  'basket.checkout' | `checkout.${'price' | 'settle' | 'cancel'}`
> = {
  'basket.checkout': (_args, { basket }) => plain(basket.checkout.begin(basket.isMoving)),
  'checkout.price': (args, { basket }) => plain(basket.checkout.price(args)),
  'checkout.settle': (args, { trips }) => {
    const { checkout, outcome, after, session } = trips.settle(args);
    return { checkout, outcome, revision: after, session };
  },
  'checkout.cancel': ({ checkout, by }, { basket }) => ({
    revision: basket.checkout.cancel(checkout, by),
  }),
};
