import test from 'ava';
import { TagMemory } from '#pipeline/tags.ts';
import { Cart, token } from './support.ts';

/** SGTIN-96 of the jar 04006381333931 (company prefix 4006381, item reference 033393), with this serial number. */
function jarTag(serial: number): string {
  const bits = [
    [0x30n, 8],
    [1n, 3],
    [5n, 3],
    [4_006_381n, 24],
    [33_393n, 20],
    [BigInt(serial), 38],
  ] as const;
  const value = bits.reduce((sum, [field, length]) => (sum << BigInt(length)) | field, 0n);
  return value.toString(16).padStart(24, '0');
}

test('A tagged jar that is put in becomes a line, decided with its tag as a scan would be', (t) => {
  const cart = new Cart().wait(2).scan(token).tag(jarTag(7)).put(412_300).wait(3);
  const read = cart.of('scan.read')[1];
  t.like(read?.data, {
    symbology: 'epc',
    meaning: 'product',
    gtin: '04006381333931',
    serial: '7',
    name: 'A jar',
  });
  const [added] = cart.of('item.added');
  t.is(added?.data.gtin, '04006381333931');
  t.true(added?.causes?.includes(read?.id ?? ''));
});

test('A tag that a reader loses and finds again is one thing for the whole trip', (t) => {
  const cart = new Cart().wait(2).scan(token).tag(jarTag(7)).put(412_300).wait(3);
  for (let i = 0; i < 5; i++) cart.tag(jarTag(7)).wait(4);
  t.is(cart.of('scan.read').length, 2);
  t.is(cart.of('item.added').length, 1);
  t.is(cart.of('item.unresolved').length, 0);
  cart.tag(jarTag(8)).put(411_900).wait(3);
  t.is(cart.of('item.added').length, 2);
});

test('The next trip sees tags anew, and a restart in the middle of one does not', (t) => {
  const cart = new Cart().wait(2).scan(token).tag(jarTag(7)).put(412_300).wait(3);
  t.deepEqual(cart.pipeline.saveState().tags, [jarTag(7)]);
  cart.command('session.end');
  t.deepEqual(cart.pipeline.saveState().tags, []);
  const memory = new TagMemory([jarTag(7)]);
  t.false(memory.isNew(Uint8Array.from(Buffer.from(jarTag(7), 'hex'))));
  t.true(memory.isNew(Uint8Array.from(Buffer.from(jarTag(9), 'hex'))));
});

test('A tag of no product is published as what it is', (t) => {
  const cart = new Cart().wait(2).scan(token).tag('e28011700000020f').wait(1);
  t.like(cart.of('scan.read')[1]?.data, { symbology: 'epc', meaning: 'unknown' });
});

test('Ever new tags do not fill the memory', (t) => {
  const memory = new TagMemory();
  for (let i = 0; i < 10_000; i++) memory.isNew(Uint8Array.of(i >> 8, i));
  t.true(memory.saveState().length <= 4_096);
});
