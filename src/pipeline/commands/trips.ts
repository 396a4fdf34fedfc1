import { type Handlers, plain } from './targets.ts';

type TripCommand =
  | `session.${'begin' | 'end'}`
  | `basket.${'suspend' | 'resume' | 'transfer' | 'receive' | 'abandon' | 'help' | 'approve' | 'coupon' | 'loyalty'}`
  | 'tare';

/** Commands about a trip as a whole. */
export const tripCommands: Pick<Handlers, TripCommand> = {
  'session.begin': ({ token, touch, loyalty }, { basket, trips }) => {
    // The shopper is back at a cart that she suspended.
    if (basket.state === 'suspended' && token !== undefined && basket.isOpenedBy(token)) {
      return { session: basket.resume({ token }).session };
    }
    return { session: trips.open({ by: touch === true ? 'touch' : 'command', token, loyalty }) };
  },
  'session.end': (_args, { basket, trips }) => {
    const { session, totals, questions } = trips.end('session.end', () => basket.close());
    return plain({ session, totals, unsettled: questions });
  },
  'basket.suspend': ({ by }, { basket }) => ({ revision: basket.suspend(by) }),
  'basket.resume': (args, { basket }) => {
    const { session, revision } = basket.resume(args);
    return { session, revision };
  },
  'basket.transfer': ({ to, by }, { basket, trips }) => {
    const last = trips.end('basket.transfer', () => basket.transfer(to, by));
    const { session, revision, totals, lines, asked = [] } = last;
    return plain({ session, revision, totals, lines, asked });
  },
  'basket.receive': (args, { basket, trips }) => {
    const session = trips.receive(args);
    return plain({ session, revision: basket.revision, totals: basket.totals() });
  },
  'basket.abandon': ({ by }, { basket, trips }) => {
    const reason = by.role === 'shopper' ? 'shopper' : 'staff';
    const { session, revision } = trips.end('basket.abandon', () => basket.abandon(reason, by));
    return { session, revision };
  },
  'basket.approve': (args, { basket }) => plain(basket.service.approve(args)),
  'basket.coupon': ({ code }, { basket }) => plain(basket.service.coupon(code)),
  'basket.loyalty': (_args, { basket }) => ({ revision: basket.service.recognize('command') }),
  'basket.help': ({ over, by }, { basket }) => {
    basket.help(over === true, by);
    return {};
  },
  tare: ({ plate }, { weigher, fusion }, atUs) => {
    const tareMg = weigher.tare(plate, atUs);
    fusion.tared(plate);
    return { plate, tareMg };
  },
};
