import { readFile } from 'node:fs/promises';
import { connect, type SecureVersion } from 'node:tls';
import test from 'ava';
import { openBench } from './support.ts';

test('below TLS 1.2 nobody talks to the enrolment service', async (t) => {
  const bench = await openBench(t);
  const greet = (version: SecureVersion) =>
    new Promise<string>((resolve) => {
      const socket = connect({
        host: '127.0.0.1',
        port: bench.service.port,
        ca: bench.authority.root,
        minVersion: version,
        maxVersion: version,
        ciphers: 'DEFAULT:@SECLEVEL=0',
      });
      socket.once('secureConnect', () => resolve('taken'));
      socket.once('error', (error) => resolve(error.message));
      socket.once('close', () => socket.destroy());
    });
  for (const version of ['TLSv1', 'TLSv1.1'] as const)
    t.regex(await greet(version), /alert|protocol/, version);
  t.is(await greet('TLSv1.2'), 'taken');
});

test('every listener of the brokers that are shipped asks for TLS 1.2 by itself, whatever the machine’s OpenSSL allows', async (t) => {
  const text = await readFile(new URL('../../config/mosquitto/store.conf', import.meta.url), 'utf8');
  const [head = '', ...listeners] = text.split(/^listener /m);
  t.deepEqual(
    listeners.map((one) => one.split('\n')[0]),
    ['8883', '8885', '8884'],
  );
  for (const one of listeners) {
    t.regex(one, /^tls_version tlsv1\.2$/m);
    for (const file of ['certfile', 'keyfile']) t.regex(one, new RegExp(`^${file} /`, 'm'));
  }
  t.regex(listeners[0] ?? '', /^require_certificate true$/m);
  t.regex(head, /^allow_anonymous false$/m);
  t.notRegex(text, /^allow_anonymous true$/m);
});
