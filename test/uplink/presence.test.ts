import test from 'ava';
import { createRandom } from '#base/random.ts';
import { Presence } from '#uplink/presence.ts';

const own = { ledger: 'aaaaaaaaaaaaaaaa', boot: 5, instance: '1111111111111111' };
const other = '2222222222222222';
const minuteMs = 60_000;

function fresh(seed = 1): Presence {
  const presence = new Presence(own, 4 * minuteMs, createRandom(seed));
  presence.connecting(10);
  return presence;
}

/** One that saw its own birth and has connected again since. */
function settled(seed = 1): Presence {
  const presence = fresh(seed);
  presence.judge({ ...own, connection: 10, online: true }, 0);
  presence.connecting(11);
  return presence;
}

test('what the last ledger or boot of this device left behind is its own', (t) => {
  const presence = fresh();
  const earlier = { ledger: 'bbbbbbbbbbbbbbbb', boot: 90, connection: 700, online: true };
  t.is(presence.judge(earlier, 0), 'own');
  t.is(presence.judge({ ...own, boot: 4, instance: other, connection: 9, online: true }, 0), 'own');
  t.is(presence.contest(0), undefined);
});

test("once our birth was there, another ledger's is another device", (t) => {
  const foreign = { ledger: 'bbbbbbbbbbbbbbbb', boot: 1, connection: 1, online: false };
  t.is(settled().judge(foreign, 0), 'foreign');
});

test('a copied card shows by boots and connections that this one never made', (t) => {
  const presence = settled();
  const { instance: _, ...old } = own;
  t.is(presence.judge({ ...old, connection: 12, online: true }, 0), 'foreign');
  t.is(presence.judge({ ...own, boot: 6, connection: 3, online: true }, 0), 'foreign');
  t.is(presence.judge({ ...own, boot: 4, connection: 10, online: true }, 0), 'foreign');
});

test('copies that count boots and connections alike differ in what each drew at its start', (t) => {
  t.is(settled().judge({ ...own, instance: other, connection: 11, online: true }, 0), 'foreign');
  t.is(fresh().judge({ ...own, instance: other, connection: 10, online: true }, 0), 'foreign');
});

test('a copy that was made long ago shows by a birth that comes after ours', (t) => {
  t.is(settled().judge({ ...own, boot: 2, instance: other, connection: 3, online: true }, 0), 'foreign');
});

test('a will of an earlier connection that comes late is stale', (t) => {
  const presence = settled();
  t.is(presence.judge({ ...own, connection: 10, online: false }, 0), 'stale');
  t.is(presence.judge({ ...own, boot: 4, instance: other, connection: 9, online: false }, 0), 'stale');
  t.is(presence.judge({ ...own, connection: 11, online: true }, 0), 'own');
});

test('one takeover may be our own reconnecting, several are not', (t) => {
  const presence = settled();
  t.is(presence.thrownOff(true, 0), 0);
  t.true(presence.thrownOff(true, minuteMs) > 0);
  t.is(settled().thrownOff(true, 60 * minuteMs), 0);
});

test('a link that just ends says nothing of another device, unless its birth was seen', (t) => {
  const presence = settled();
  t.is(presence.thrownOff(false, 0), 0);
  t.is(presence.thrownOff(false, 1), 0);
  presence.judge({ ...own, instance: other, connection: 3, online: true }, 2);
  t.true(presence.thrownOff(false, 3) > 0);
});

test('who is thrown off stands back for minutes, each time longer, up to an hour, and two devices not alike', (t) => {
  const [one, two] = [settled(1), settled(2)].map((presence) => {
    presence.judge({ ...own, instance: other, connection: 3, online: true }, 0);
    let nowMs = 0;
    return Array.from({ length: 8 }, () => {
      const backMs = presence.thrownOff(true, nowMs);
      t.is(presence.contest(nowMs)?.backAtMs, nowMs + backMs);
      nowMs += backMs;
      return backMs;
    });
  });
  if (one === undefined || two === undefined) throw new Error('both were run');
  for (const [i, stepMinutes] of [4, 8, 16, 32, 60, 60, 60, 60].entries()) {
    for (const backMs of [one[i] ?? 0, two[i] ?? 0]) {
      t.true(backMs >= (stepMinutes / 2) * minuteMs && backMs <= stepMinutes * minuteMs, `${backMs}`);
    }
  }
  t.notDeepEqual(one, two);
});

test('the other device counts as gone when it was not noticed for two hours', (t) => {
  const presence = settled();
  presence.judge({ ...own, instance: other, connection: 3, online: true }, 0);
  presence.thrownOff(true, 0);
  t.is(presence.contest(119 * minuteMs)?.times, 1);
  t.is(presence.contest(121 * minuteMs), undefined);
});
