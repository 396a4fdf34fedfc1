import { randomBytes } from 'node:crypto';
import anyTest from 'ava';
import fc from 'fast-check';
import { readAddress } from '#pages/phone/client/address.ts';
import { channelOf, macOf } from '#pages/phone/client/secrets.ts';
import { Speech } from '#pages/phone/client/speech.ts';
import { typedCode } from '#pages/phone/client/typed-code.ts';
import { de } from '#pages/phone/client/words/de.ts';
import { en } from '#pages/phone/client/words/en.ts';
import { it } from '#pages/phone/client/words/it.ts';
import { tr } from '#pages/phone/client/words/tr.ts';
import { phoneChannel, phoneMac } from '#uplink/phones.ts';

const test = anyTest;
const secret = randomBytes(16);
const address = (broker: string, text = secret.toString('base64url')) =>
  readAddress(`#1.store-1.cart-0042.${text}.${encodeURIComponent(broker)}`);

test('an address is read as a cart writes it, and another one is none', (t) => {
  const read = address('wss://broker.example:8443/mqtt');
  t.deepEqual(read, {
    store: 'store-1',
    device: 'cart-0042',
    secret: new Uint8Array(secret),
    broker: 'wss://broker.example:8443/mqtt',
  });
  t.is(address('ws://127.0.0.1:9001/')?.broker, 'ws://127.0.0.1:9001/');
  for (const broker of ['ws://broker.example/', 'https://broker.example/', 'javascript:alert(1)', 'x', '%']) {
    t.is(address(broker), undefined, broker);
  }
  for (const hash of ['', '#', '#2.store-1.cart-0042', `#1.store 1.cart.${'A'.repeat(22)}.wss%3A%2F%2Fa`]) {
    t.is(readAddress(hash), undefined, hash);
  }
  t.is(readAddress(`#1.s.c.${'A'.repeat(22)}.%E0%A4%A`), undefined);
  t.is(address('wss://broker.example/', 'too-short'), undefined);
});

test('channel and MAC of a phone are those of the gateway', async (t) => {
  const say = {
    number: 1_764_000_000_000,
    what: 'scan',
    code: 'Ä4006381333931\u001d',
    symbology: ']C1',
  } as const;
  t.is(await channelOf(new Uint8Array(secret)), phoneChannel(secret));
  t.is(await macOf(new Uint8Array(secret), say), phoneMac(secret, say));
  const join = { number: 1, what: 'join' } as const;
  t.is(await macOf(new Uint8Array(secret), join), phoneMac(secret, join));
});

test('a typed number is a code where its check digit says so', (t) => {
  t.deepEqual(typedCode('4006381333931'), { text: '4006381333931', symbology: ']E0' });
  t.deepEqual(typedCode('4 006381 333931'), { text: '4006381333931', symbology: ']E0' });
  t.deepEqual(typedCode('036000291452'), { text: '0036000291452', symbology: ']E0' });
  t.deepEqual(typedCode('96385074'), { text: '96385074', symbology: ']E4' });
  for (const typed of ['4006381333932', '400638133393', '', '12345', 'QR-7F3A-2C91', '4'.repeat(40)]) {
    t.is(typedCode(typed), undefined, typed);
  }
});

test('one wrong digit is always noticed', (t) => {
  fc.assert(
    fc.property(fc.nat(12), fc.integer({ min: 1, max: 9 }), (place, by) => {
      const digits = [...'4006381333931'].map(Number);
      digits[place] = ((digits[place] ?? 0) + by) % 10;
      return typedCode(digits.join('')) === undefined;
    }),
    { seed: 20_261_123, numRuns: 1_000 },
  );
  t.pass();
});

test('every sentence has the places that the English one has, and the phone decides on the language', (t) => {
  const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort();
  for (const words of [de, it, tr]) {
    for (const [name, text] of Object.entries(en)) {
      t.deepEqual(places(words[name as keyof typeof en]), places(text), name);
    }
  }
  t.is(new Speech(['fr-FR', 'de-AT']).say('total'), 'Summe');
  t.is(new Speech([]).code, 'en');
  t.is(new Speech(['constructor', 'it']).code, 'it');
  t.is(new Speech(['de']).money(1_540, 'EUR'), '15,40\u00a0€');
});
