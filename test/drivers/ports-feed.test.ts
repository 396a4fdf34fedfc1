import test from 'ava';
import type { DriverError } from '#drivers/errors.ts';
import { PortFeed } from '#drivers/ports/feed.ts';

test('a driver that throws on what came loses its port and not the process', (t) => {
  for (const early of [true, false]) {
    const feed = new PortFeed<string>((text) => text.length);
    const lost: DriverError[] = [];
    const heard: string[] = [];
    if (early) feed.push('bad', 1);
    feed.listen({
      data: (text) => {
        heard.push(text);
        if (text === 'bad') throw new Error('no such field');
      },
      lost: (error) => lost.push(error),
    });
    if (!early) feed.push('bad', 1);
    feed.push('good', 2);
    t.deepEqual(heard, ['bad']);
    t.deepEqual(
      lost.map(({ code, message }) => [code, /its driver can not read .*: no such field/.test(message)]),
      [['CW-DRV-006', true]],
    );
    t.true(feed.ended);
  }
});

test('of what comes before anybody listens the newest 64 KiB are kept', (t) => {
  const feed = new PortFeed<Uint8Array>((bytes) => bytes.length);
  for (let i = 0; i < 100; i++) feed.push(new Uint8Array(1024).fill(i), i);
  const heard: number[] = [];
  feed.listen({ data: (_bytes, atUs) => heard.push(atUs), lost: () => {} });
  t.deepEqual(
    heard,
    Array.from({ length: 64 }, (_, i) => i + 36),
  );
});
