import test from 'ava';
import {
  countRollOut,
  groupOf,
  holdOf,
  nextNotice,
  placeOf,
  type ReleaseNotice,
  standOf,
} from '#updates/roll-out.ts';

const notice: ReleaseNotice = {
  version: '1.4.0',
  releases: [],
  groups: [{ name: 'canary', devices: ['cart-1', 'cart-2'] }, { name: 'night', percent: 50 }, { name: '*' }],
  open: 1,
  stopAt: 2,
};
const cart = (device: string, group = 'default') => ({ device, group });

test('devices are spread over a roll-out by a hash that is the same everywhere, and another one with each version', (t) => {
  t.is(placeOf('cart-1', '1.4.0'), placeOf('cart-1', '1.4.0'));
  const places = Array.from({ length: 2_000 }, (_, i) => placeOf(`cart-${i}`, '1.4.0'));
  const share = places.filter((place) => place < 2_500).length / places.length;
  t.true(share > 0.2 && share < 0.3, `${share}`);
  t.true(places.some((place, i) => place < 2_500 !== placeOf(`cart-${i}`, '1.5.0') < 2_500));
});

test('a device belongs to the first group that takes it', (t) => {
  t.is(groupOf(notice, cart('cart-2', 'night')), 0);
  const night = Array.from({ length: 400 }, (_, i) => groupOf(notice, cart(`shelf-${i}`, 'night')));
  t.deepEqual([...new Set(night)].sort(), [1, 2]);
  t.is(groupOf(notice, cart('cart-9')), 2);
  t.is(groupOf({ version: '1.4.0' }, cart('cart-9')), 0);
  t.is(groupOf({ version: '1.4.0', groups: [{ name: 'canary' }] }, cart('cart-9')), undefined);
});

test('a device waits for its group, the time, a pause and the stop', (t) => {
  t.is(holdOf(notice, cart('cart-1'), 0), undefined);
  t.regex(holdOf(notice, cart('cart-9'), 0) ?? '', /not due/);
  t.is(holdOf({ ...notice, open: 3 }, cart('cart-9'), 0), undefined);
  t.regex(holdOf({ ...notice, paused: true }, cart('cart-1'), 0) ?? '', /paused/);
  t.regex(holdOf({ ...notice, failed: 2 }, cart('cart-1'), 0) ?? '', /stopped: 2/);
  t.regex(holdOf({ ...notice, notBefore: 5 }, cart('cart-1'), 4) ?? '', /1970/);
  t.regex(holdOf({ ...notice, notBefore: 5 }, cart('cart-1'), undefined) ?? '', /clock/);
  t.is(holdOf({ ...notice, notBefore: 5 }, cart('cart-1'), 5), undefined);
});

test('the next group opens when the one before has the release, and none after too many have failed', (t) => {
  const old = { version: '1.3.0' };
  const some = [
    { device: 'cart-1', version: '1.4.0' },
    { device: 'cart-2', ...old },
    { device: 'cart-9', ...old },
  ];
  t.is(nextNotice(notice, some), notice);
  const all = [
    { device: 'cart-1', version: '1.4.0' },
    { device: 'cart-2', version: '1.4.0' },
    { device: 'cart-9', ...old },
  ];
  t.is(nextNotice(notice, all).open, 2);
  t.is(nextNotice({ ...notice, paused: true }, all).open, 1);
  t.is(nextNotice(notice, []), notice);
  const bad = [
    ...all,
    { device: 'cart-7', ...old, failed: '1.4.0' },
    { device: 'cart-8', ...old, failed: '1.4.0' },
  ];
  const stopped = nextNotice(notice, bad);
  t.like(stopped, { failed: 2, open: 1 });
  t.is(nextNotice(stopped, all), stopped, 'failures are not forgotten');
  t.deepEqual(countRollOut(notice, bad)[2], { group: '*', devices: 3, good: 0, failed: 2 });
});

test('a roll-out is followed until all have the release, or it goes no further by itself', (t) => {
  const has = (device: string, version = '1.4.0', failed?: string) => ({ device, version, failed });
  const all = { ...notice, open: 3 };
  t.is(standOf(notice, [has('cart-1'), has('cart-2', '1.3.0')]), 'on');
  t.is(standOf(notice, [has('cart-1'), has('cart-2')]), 'on', 'the next group is to be opened');
  t.is(standOf(all, [has('cart-1'), has('cart-9', '1.3.0')]), 'on');
  t.is(standOf(all, [has('cart-1'), has('cart-9')]), 'done');
  t.is(standOf(all, []), 'on', 'no device was heard of');
  t.is(standOf(all, [has('cart-1'), has('cart-9', '1.3.0', '1.4.0')]), 'stopped');
  t.is(
    standOf(notice, [has('cart-1'), has('cart-2', '1.3.0', '1.4.0')]),
    'stopped',
    'one failed, none is left',
  );
  t.is(standOf({ ...all, failed: 2 }, [has('cart-1'), has('cart-9', '1.3.0')]), 'stopped');
  t.is(standOf({ ...notice, paused: true }, [has('cart-1'), has('cart-2', '1.3.0')]), 'stopped');
});
