import test from 'ava';
import fc from 'fast-check';
import { RateLimit } from '#base/rate-limit.ts';

test('A burst passes, then as many as time allows', (t) => {
  const limit = new RateLimit(3, 60);
  t.deepEqual(
    [0, 0, 0, 0, 500_000, 1_000_000, 1_000_000].map((atUs) => limit.admits(atUs)),
    [true, true, true, false, false, true, false],
  );
});

test('However they come, never more than the burst and what time allows', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(2_000_000), { maxLength: 200 }), (gaps) => {
      const limit = new RateLimit(5, 30);
      let atUs = 0;
      let admitted = 0;
      for (const gap of gaps) {
        atUs += gap;
        if (limit.admits(atUs)) admitted += 1;
      }
      t.true(admitted <= 5 + (atUs * 30) / 60_000_000 + 1e-6);
    }),
    { seed: 7, numRuns: 200 },
  );
});
