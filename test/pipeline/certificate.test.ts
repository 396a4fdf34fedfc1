import test from 'ava';
import { Cart, token } from './support.ts';

const certificateId = 'T8214/B5';

/** A cart on a certified scale, which indicates whole grams. */
class CertifiedCart extends Cart {
  indicate(massMg: number): this {
    for (let turn = 0; turn < 10; turn++) {
      const atUs = this.nowUs + 200_000;
      this.give({
        kind: 'scale',
        source: 'scale',
        atUs,
        massMg,
        stable: true,
        status: 'stable kg',
        certificateId,
      });
    }
    return this;
  }
}

test('Goods sold by weight that a certified scale weighed at once bear its certificate into the basket, and their price is final', (t) => {
  const cart = new CertifiedCart().indicate(0).scan(token).scan('4011').indicate(915_000).indicate(915_000);
  const [movement] = cart.of('movement.settled');
  const [added] = cart.of('item.added');
  const [line] = cart.of('basket.line');
  t.is(movement?.data.certificateId, certificateId);
  t.is(added?.data.evidence.movements?.[0]?.certificateId, certificateId);
  t.is(added?.data.certificateId, certificateId);
  t.is(line?.data.certificateId, certificateId);
  t.is(line?.data.priceStatus, 'final');
  // 0.915 kg at 1.79
  t.is(line?.data.priceMinor, 164);
});

test('A mass that is the difference of two indications names the certificate as evidence, and its price stays an estimate', (t) => {
  const cart = new CertifiedCart().indicate(0).scan(token).scan('4006381333931', ']E0').indicate(412_000);
  cart.indicate(412_000).scan('4011').indicate(1_327_000).indicate(1_327_000);
  const apples = cart.of('item.added').find(({ data }) => data.plu === '4011');
  const line = cart.of('basket.line').find(({ data }) => data.plu === '4011');
  t.is(apples?.data.evidence.movements?.[0]?.certificateId, certificateId);
  t.is(apples?.data.certificateId, undefined);
  t.is(line?.data.priceStatus, 'estimate');
  const jar = cart.of('item.added').find(({ data }) => data.gtin === '04006381333931');
  t.is(jar?.data.certificateId, undefined, 'it is not sold by weight');
});

test('A scale without a certificate leaves no trace of one', (t) => {
  const cart = new Cart().wait(2).scan(token).scan('4011').put(915_000).wait(3);
  t.is(cart.of('item.added').length, 1);
  t.notRegex(JSON.stringify(cart.events), /certificate/);
});
