import test from 'ava';
import fc from 'fast-check';
import { openBackup, sealBackup } from '#identity/vault.ts';

const backup = {
  store: 'lab',
  device: 'cart-1',
  madeMs: 1_790_000_000_000,
  software: 'cartwright/0.1.0',
  files: [
    { path: 'credentials/device-key.pem', data: Buffer.from('a very secret key') },
    { path: 'configuration/cartwright.yaml', data: Buffer.from('cartwright: 1\n') },
  ],
};
/** 16 MiB a guess instead of 64. */
const quick = 14;
const passphrase = 'five quite ordinary words here';

test('a backup opens with its passphrase and no other, and shows nothing of what is in it', async (t) => {
  const sealed = await sealBackup(backup, passphrase, quick);
  t.deepEqual(await openBackup(sealed, passphrase), backup);
  for (const plain of ['secret', 'cart-1', 'device-key', 'cartwright: 1'])
    t.false(sealed.includes(plain), plain);
  await t.throwsAsync(openBackup(sealed, `${passphrase}!`), { code: 'CW-IDN-021' });
  t.notDeepEqual(await sealBackup(backup, passphrase, quick), sealed, 'salt and nonce are drawn each time');
});

test('a backup of which anything was changed or cut off does not open at all', async (t) => {
  const sealed = await sealBackup(backup, passphrase, quick);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(sealed.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      async (at, flip, cut) => {
        const changed = cut ? sealed.subarray(0, at) : Buffer.from(sealed);
        if (!cut) changed[at] = (changed[at] ?? 0) ^ flip;
        await t.throwsAsync(openBackup(changed, passphrase), { code: 'CW-IDN-021' });
      },
    ),
    { numRuns: 12, seed: 4242 },
  );
});

test('a backup with paths that lead elsewhere, or a file twice, is refused as a whole', async (t) => {
  for (const paths of [
    ['../etc/passwd'],
    ['credentials/../../x'],
    ['/etc/passwd'],
    ['credentials/a/b'],
    ['credentials/.ssh'],
    ['elsewhere/a'],
    ['credentials/a', 'credentials/a'],
  ]) {
    const files = paths.map((path) => ({ path, data: Buffer.from('x') }));
    const sealed = await sealBackup({ ...backup, files }, passphrase, quick);
    await t.throwsAsync(openBackup(sealed, passphrase), { code: 'CW-IDN-021' }, paths.join());
  }
});
