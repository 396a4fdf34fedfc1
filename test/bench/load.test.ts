import { connect } from 'node:net';
import test from 'ava';
import { HidPosAssembler, hidPosReportBytes } from '#drivers/scanner/hid-pos-report.ts';
import { BurstScanner } from './load/far-end.ts';

test('a burst is as many reports as asked for, and they hold the codes that it says it sent', async (t) => {
  const scanner = await BurstScanner.open();
  const reader = connect({ host: '127.0.0.1', port: scanner.port });
  const chunks: Buffer[] = [];
  reader.on('data', (chunk: Buffer) => chunks.push(chunk));
  await scanner.burst(50);
  await new Promise<void>((resolve) => {
    reader.once('close', resolve);
    void scanner.close();
  });
  const all = Buffer.concat(chunks);
  t.is(all.length, 50 * hidPosReportBytes);
  t.is(scanner.reports, 50);
  const assembler = new HidPosAssembler();
  const codes: string[] = [];
  for (let at = 0; at < all.length; at += hidPosReportBytes) {
    const code = assembler.push(all.subarray(at, at + hidPosReportBytes));
    if (code !== undefined) codes.push(Buffer.from(code.data).toString('latin1'));
  }
  t.deepEqual(codes, scanner.sent);
  t.is(codes.length, 40);
  t.true(codes.some((code) => code.length > 56));
});
