import test from 'ava';
import { Reports } from '#console/reports.ts';
import { networkOf, Tries } from '#console/tries.ts';

const refused = { code: 'CW-CON-006' };

test('Each network has an allowance, and all together have one', (t) => {
  let nowUs = 0;
  const tries = new Tries({ burst: 2, perMinute: 2, all: { burst: 3, perMinute: 3 } }, () => nowUs);
  tries.count('192.0.2.1');
  tries.count('192.0.2.1');
  t.throws(() => tries.count('192.0.2.1'), refused);
  tries.count('192.0.2.2');
  t.throws(() => tries.count('192.0.2.3'), refused);
  nowUs += 60_000_000;
  tries.count('192.0.2.1');
  tries.count('192.0.2.3');
});

test('Who has used up an allowance does not get another one by asking from a thousand other addresses', (t) => {
  const tries = new Tries({ burst: 1, perMinute: 1 }, () => 0);
  tries.count('192.0.2.1');
  for (let number = 0; number < 5_000; number++) {
    tries.count(`10.0.${number >> 8}.${number & 255}`);
    if (number % 500 === 0) t.throws(() => tries.count('192.0.2.1'), refused);
  }
  t.throws(() => tries.count('192.0.2.1'), refused);
  t.throws(() => tries.count('::ffff:192.0.2.1'), refused);
  tries.count('2001:db8:1:2::1');
  for (const same of ['2001:db8:1:2:ffff::9', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::1%eth0'])
    t.throws(() => tries.count(same), refused, same);
  tries.count('2001:db8:1:3::1');
});

test('A network is an IPv4 address, or the first half of an IPv6 address', (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::1', '0:0:0:0'],
    ['fe80::1%lo', 'fe80:0:0:0'],
    ['2001:db8::', '2001:db8:0:0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['', ''],
  ];
  for (const [address, network] of cases) t.is(networkOf(address), network, address);
});

test('A report is kept for a quarter of an hour, and room is made by the oldest', (t) => {
  let nowMs = 0;
  const reports = new Reports(() => nowMs);
  const first = reports.add('first', '192.0.2.1');
  for (let number = 0; number < 32; number++) reports.add('', `192.0.3.${number}`);
  t.is(reports.get(first), undefined);
  const second = reports.add('second', '192.0.2.1');
  nowMs += 15 * 60_000;
  t.is(reports.get(second), 'second');
  nowMs += 1;
  t.is(reports.get(second), undefined);
});
