import test from 'ava';
import fc from 'fast-check';
import {
  checkClaim,
  hashClaim,
  makeClaim,
  readClaim,
  readClaimFile,
  writeClaimFile,
} from '#identity/claim.ts';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

test('a claim has 115 random bits in letters that nobody confuses, and is read however it was typed', (t) => {
  const claims = Array.from({ length: 200 }, makeClaim);
  t.is(new Set(claims).size, claims.length);
  for (const claim of claims) {
    t.regex(claim, /^(?:[0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/);
    const plain = claim.replaceAll('-', '');
    t.is(readClaim(claim), plain);
    t.is(readClaim(` ${plain.toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l')} `), plain);
  }
});

test('one wrong letter, or two neighbours that changed places, are always found', (t) => {
  fc.assert(
    fc.property(fc.nat(23), fc.integer({ min: 1, max: 31 }), (at, by) => {
      const plain = makeClaim().replaceAll('-', '');
      const wrong = alphabet[(alphabet.indexOf(plain[at] ?? '') + by) % 32] ?? '';
      t.throws(() => readClaim(plain.slice(0, at) + wrong + plain.slice(at + 1)), { code: 'CW-IDN-015' });
      const [a = '', b = ''] = plain.slice(at);
      if (b !== '' && a !== b) {
        t.throws(() => readClaim(plain.slice(0, at) + b + a + plain.slice(at + 2)), { code: 'CW-IDN-015' });
      }
    }),
    { seed: 7, numRuns: 300 },
  );
});

test('what is kept of a claim leads not back to it, and differs from store to store', (t) => {
  const claim = readClaim(makeClaim());
  const kept = hashClaim(claim, 'lab');
  t.false(JSON.stringify({ ...kept, hash: kept.hash.toString('hex') }).includes(claim));
  t.not(hashClaim(claim, 'other').id, kept.id);
  t.notDeepEqual(hashClaim(claim, 'other').hash, kept.hash);
  t.false(kept.hash.toString('hex').startsWith(kept.id));
});

test('a claim file comes back as it was, and whatever is wrong with one is told without its claim', (t) => {
  const file = checkClaim({
    authority: 'https://authority.lab.example:8446',
    fingerprint: `${'AB:'.repeat(31)}AB`,
    store: 'lab',
    device: 'cart-1',
    claim: makeClaim(),
  });
  t.is(file.fingerprint, 'ab'.repeat(32));
  const { claimFile, ...back } = readClaimFile(writeClaimFile(file));
  t.is(claimFile, 1);
  t.deepEqual(back, file);
  const text = writeClaimFile(file);
  for (const wrong of [
    text.slice(0, -10),
    text.replace('https:', 'http:'),
    text.replace('"lab"', '"Lab/x"'),
    text.replace('"store"', '"shop"'),
    text.replace(file.claim, `${file.claim.slice(0, -1)}${file.claim.endsWith('0') ? '1' : '0'}`),
    '',
  ]) {
    const error = t.throws(() => readClaimFile(wrong), { code: 'CW-IDN-015' });
    t.false(String(error?.message).includes(file.claim));
  }
});
