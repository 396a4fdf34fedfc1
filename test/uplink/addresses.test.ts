import test from 'ava';
import fc from 'fast-check';
import { createRandom } from '#base/random.ts';
import { Addresses } from '#uplink/addresses.ts';
import { Protocols } from '#uplink/protocols.ts';

const urls = ['mqtt://a', 'mqtt://b', 'mqtt://c'];
const firstMs = 500;
const maxMs = 30_000;

function addresses(key: string, list: readonly string[] = urls, seed = 1): Addresses {
  return new Addresses({ urls: list, key, firstMs, maxMs }, createRandom(seed));
}

test('two hundred carts spread over three addresses, and each always begins at the same one', (t) => {
  const counts = new Map<string, number>();
  for (let cart = 0; cart < 200; cart++) {
    const key = `cw-store-cart-${cart}`;
    const { url, delayMs } = addresses(key, urls, cart).next(0);
    t.is(delayMs, 0, 'nobody waits at the start');
    t.is(addresses(key, urls, cart + 1_000).next(0).url, url);
    counts.set(url, (counts.get(url) ?? 0) + 1);
  }
  for (const url of urls) t.true((counts.get(url) ?? 0) > 40, `${url}: ${counts.get(url)}`);
});

test('an address that fails is followed by the next one in order, after a short while', (t) => {
  const row = addresses('cart');
  const order = [0, 1, 2].map(() => {
    const { url, delayMs } = row.next(0);
    t.true(delayMs <= firstMs);
    row.failed(url, 0);
    return url;
  });
  t.deepEqual([...order].sort(), urls);
  const at = urls.indexOf(order[0] ?? '');
  t.deepEqual(
    order,
    [0, 1, 2].map((i) => urls[(at + i) % 3]),
  );
  t.true(row.next(0).delayMs > 0, 'when all have failed it waits');
});

test('after a good connection was lost the row begins at the own address again, where that is there', (t) => {
  const row = addresses('cart');
  const home = row.next(0).url;
  row.failed(home, 0);
  const second = row.next(0).url;
  t.not(second, home);
  row.lost(second, 3_600_000, 3_599_000);
  t.is(row.next(3_600_000).url, home);
});

test('an address that drops the link soon after taking it is left alone longer and longer', (t) => {
  const row = addresses('cart', ['mqtt://a']);
  let nowMs = 0;
  const waits = Array.from({ length: 40 }, () => {
    const { delayMs } = row.next(nowMs);
    nowMs += delayMs + 100;
    row.lost('mqtt://a', nowMs, 100);
    return delayMs;
  });
  t.true(Math.max(...waits.slice(1, 4)) < 5_000);
  t.true(Math.max(...waits.slice(8)) > 20_000);
  t.true(waits.every((ms) => ms <= maxMs));
});

test('a broker that is busy is left alone for about the longest delay', (t) => {
  for (let seed = 0; seed < 20; seed++) {
    const row = addresses('cart', ['mqtt://a'], seed);
    row.busy('mqtt://a', 0);
    const { delayMs } = row.next(0);
    t.true(delayMs >= maxMs / 2 && delayMs <= maxMs);
  }
});

test('five hundred carts that lose the broker together come back over some seconds', (t) => {
  const delays = Array.from({ length: 500 }, (_, cart) => {
    const row = addresses(`cart-${cart}`, ['mqtt://a'], cart);
    row.lost('mqtt://a', 3_600_000, 3_600_000);
    return row.next(3_600_000).delayMs;
  });
  const perSecond = new Map<number, number>();
  for (const ms of delays) {
    const second = Math.floor(ms / 1_000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  t.true(Math.max(...delays) <= 4_000);
  t.true(Math.max(...perSecond.values()) < 200, JSON.stringify([...perSecond]));
});

test('whatever happens, there is a next address, never later than the longest delay', (t) => {
  const step = fc.record({
    what: fc.constantFrom('failed' as const, 'busy' as const, 'lost' as const),
    waitMs: fc.integer({ min: 0, max: 100_000 }),
    upMs: fc.integer({ min: 0, max: 100_000 }),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(step, { maxLength: 60 }),
      fc.nat(),
      (count, steps, seed) => {
        const list = Array.from({ length: count }, (_, i) => `mqtt://node-${i}`);
        const row = addresses('cart', list, seed);
        let nowMs = 0;
        for (const { what, waitMs, upMs } of steps) {
          const { url, delayMs } = row.next(nowMs);
          if (!list.includes(url) || delayMs < 0 || delayMs > maxMs) return false;
          nowMs += delayMs + waitMs;
          if (what === 'lost') row.lost(url, nowMs, upMs);
          else row[what](url, nowMs);
        }
        return true;
      },
    ),
    { seed: 7, numRuns: 200 },
  );
  t.pass();
});

test('a broker that refuses version 5 is asked in 3.1.1 at once, and from then on always', (t) => {
  const protocols = new Protocols('auto');
  t.is(protocols.of('a'), '5');
  t.true(protocols.isOther(1));
  t.true(protocols.refused('a'));
  t.is(protocols.of('a'), '3.1.1');
  protocols.accepted('a', '3.1.1');
  t.is(protocols.of('a'), '3.1.1');
  t.is(protocols.of('b'), '3.1.1', 'the nodes of one broker speak alike');
});

test('a broker that took a version before and hangs up is not asked twice each time', (t) => {
  const protocols = new Protocols('auto');
  protocols.of('a');
  protocols.accepted('a', '5');
  t.false(protocols.refused('a'));
  t.false(protocols.refused('a'));
  t.true(protocols.refused('a'), 'it is perhaps another one by now');
  t.is(protocols.of('a'), '3.1.1');
  t.false(protocols.refused('a'), 'both were tried');
  t.is(protocols.of('a'), '5');
});

test('a version that the configuration names is never changed', (t) => {
  const protocols = new Protocols('3.1.1');
  t.is(protocols.of('a'), '3.1.1');
  t.false(protocols.isOther(1));
  t.false(protocols.refused('a'));
  t.is(protocols.of('a'), '3.1.1');
});
