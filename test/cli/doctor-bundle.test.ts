import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { redactAll, redactText, secretsOf } from '#cli/redaction.ts';
import { makeClaim } from '#identity/claim.ts';
import { makePrivateKey } from '#identity/keys.ts';
import { runCli } from '#test/support/cli.ts';

test('a secret that is known is blanked wherever it stands, and so is what has the form of one', (t) => {
  const { pem } = makePrivateKey('ES256');
  const claim = makeClaim();
  const text = `key\n${pem}\nmqtts://cart:hunter22@broker/ {"claim":"${claim}"} ${claim.toLowerCase()}
    password=geheim1 "apiToken": "abc def" Authorization: Bearer xyz123 wpa psk: "w i f i" quoted s3cret-word.`;
  const shown = redactText(text, secretsOf(['s3cret-word\n']));
  const forbidden = [claim, claim.toLowerCase(), pem.split('\n')[1] ?? '', 'hunter22', 'geheim1', 'abc def'];
  for (const secret of [...forbidden, 'xyz123', 'w i f i', 's3cret-word'])
    t.false(shown.includes(secret), secret);
  t.regex(shown, /mqtts:\/\/\(not shown\)@broker/);
  fc.assert(
    fc.property(fc.string({ minLength: 6 }), fc.string(), fc.string(), (secret, before, after) => {
      const [known = ''] = secretsOf([secret]);
      if (known === '' || '(not shown)'.includes(known)) return;
      const all = JSON.stringify(redactAll({ a: [before + known + after], [known]: known }, [known]));
      t.false(all.replaceAll('(not shown)', '').includes(known));
    }),
    { numRuns: 200 },
  );
});

test('the bundle of the doctor holds what a support call asks, and no secret of the configuration, its files or the log', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'cartwright-bundle-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  const at = (...path: readonly string[]) => join(root, ...path);
  const claim = makeClaim();
  await mkdir(at('bin'));
  await mkdir(at('data'));
  await writeFile(at('password'), 'very-secret-word\n', { mode: 0o600 });
  await writeFile(at('data/last-end'), 'oom-kill killed KILL very-secret-word\n');
  await writeFile(
    at('bin/journalctl'),
    `#!/bin/sh\necho "gateway says it hears nothing; very-secret-word ${claim} password=typed-by-hand"\n`,
  );
  await chmod(at('bin/journalctl'), 0o755);
  await writeFile(
    at('cartwright.yaml'),
    `cartwright: 1
# the password was very-secret-word
store: lab
device: cart-1
board: demo-cart
data: data
broker: { url: 'mqtt://127.0.0.1:1', username: cart, passwordFile: password }
secretThing: { token: in-the-yaml }
`,
  );
  const env = { PATH: `${at('bin')}:${process.env.PATH}` };
  const { code, stderr } = await runCli(['doctor', at('cartwright.yaml'), '--bundle', at('b.json')], { env });
  t.is(code, 1, 'it found a key that is none');
  t.regex(stderr, /read it before you send it/);
  t.is((await stat(at('b.json'))).mode & 0o777, 0o600);
  const text = await readFile(at('b.json'), 'utf8');
  for (const secret of ['very-secret-word', claim, 'typed-by-hand', 'in-the-yaml'])
    t.false(text.includes(secret));
  const bundle = JSON.parse(text) as Record<string, Record<string, unknown>>;
  t.regex(String(bundle.services?.log), /gateway says it hears nothing/);
  t.like(bundle.configuration?.text, { store: 'lab', device: 'cart-1', data: 'data' });
  t.like(bundle.data?.files, { 'last-end': 'oom-kill killed KILL (not shown)\n' });
  t.regex(JSON.stringify(bundle.findings), /secretThing/);
  t.regex(String((bundle.machine as { disk?: string }).disk), /Mounted on/);
});
