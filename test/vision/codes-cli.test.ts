import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { startCli } from '../support/cli.ts';

const samples = fileURLToPath(new URL('../fixtures/barcodes/', import.meta.url));

function folder(t: { teardown(fn: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'codes-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  mkdirSync(join(path, 'more'));
  copyFileSync(join(samples, 'ean13-1/4.webp'), join(path, 'more/thing.webp'));
  copyFileSync(join(samples, 'qrcode-2/gs1-figure-4.15.1-2.png'), join(path, 'digital.png'));
  copyFileSync(join(samples, 'falsepositives-1/#245.png'), join(path, 'nothing.png'));
  return path;
}

test('vision codes prints a line of JSON for each code, with its file, AIM identifier and text', async (t) => {
  const { code, stdout, stderr } = await startCli(['vision', 'codes', folder(t), '--json']).ended;
  t.is(code, 0, stderr);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  t.deepEqual(lines, [
    {
      file: 'digital.png',
      symbology: ']Q3',
      text: '01095040000591012112345678p901\x1d101234567p\x1d171411208200http://www.gs1.org/demo/',
      format: 'QRCode',
      proven: true,
    },
    { file: 'more/thing.webp', symbology: ']E0', text: '5449000039231', format: 'EAN13', proven: true },
  ]);
});

test('vision codes names a picture that is damaged, and reads the others', async (t) => {
  const path = folder(t);
  writeFileSync(join(path, 'cut.jpg'), Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0));
  const { code, stdout, stderr } = await startCli(['vision', 'codes', path]).ended;
  t.is(code, 1);
  t.regex(stderr, /^CW-VIS-007 .*cut\.jpg/m);
  t.is(stdout.trimEnd().split('\n').length, 2);
});

test('vision codes says where there are no pictures', async (t) => {
  const path = folder(t);
  for (const [given, message] of [
    [join(path, 'absent'), /^CW-CLI-004 .*absent can not be read/],
    [mkdtempSync(join(path, 'empty-')), /^CW-CLI-004 .*has no pictures/],
  ] as const) {
    const { code, stderr } = await startCli(['vision', 'codes', given]).ended;
    t.is(code, 3);
    t.regex(stderr, message);
  }
});
