import test from 'ava';
import { Presence } from '#uplink/presence.ts';

const own = { ledger: 'aaaaaaaaaaaaaaaa', boot: 5 };

function settled(): Presence {
  const presence = new Presence(own);
  presence.connecting(10);
  presence.judge({ ...own, connection: 10, online: true });
  presence.connecting(11);
  return presence;
}

test('what the last ledger or boot of this device left behind is its own', (t) => {
  const presence = new Presence(own);
  presence.connecting(10);
  t.is(presence.judge({ ledger: 'bbbbbbbbbbbbbbbb', boot: 90, connection: 700, online: true }), 'own');
  t.is(presence.judge({ ...own, boot: 4, connection: 9, online: true }), 'own');
});

test("once our birth was there, another ledger's is another device", (t) => {
  t.is(settled().judge({ ledger: 'bbbbbbbbbbbbbbbb', boot: 1, connection: 1, online: false }), 'foreign');
});

test('a copied card shows by boots and connections that this one never made', (t) => {
  const presence = settled();
  t.is(presence.judge({ ...own, connection: 12, online: true }), 'foreign');
  t.is(presence.judge({ ...own, boot: 6, connection: 3, online: true }), 'foreign');
  t.is(presence.judge({ ...own, boot: 4, connection: 10, online: true }), 'foreign');
});

test('a will of an earlier connection that comes late is stale', (t) => {
  const presence = settled();
  t.is(presence.judge({ ...own, connection: 10, online: false }), 'stale');
  t.is(presence.judge({ ...own, connection: 11, online: true }), 'own');
});

test('one takeover may be our own reconnecting, several are not', (t) => {
  const presence = settled();
  t.false(presence.takenOver(0));
  t.true(presence.takenOver(60_000));
  t.false(presence.takenOver(3_600_000));
});
