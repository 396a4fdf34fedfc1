import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import anyTest, { type TestFn } from 'ava';
import { createRandom } from '#base/random.ts';
import { noticeKinds } from '#drivers/load-cell/firmata-hx711/protocol.ts';
import { needs } from '../tools.ts';
import { Stream } from './microcontroller/stream.ts';

const run = promisify(execFile);
const test = anyTest as TestFn;
const onChip = needs(test, 'make', 'avr-gcc', 'avr-objcopy', 'avr-size');

const all = { channels: 0xff, rate: 80, gain: 128 } as const;

function streaming(options: ConstructorParameters<typeof Stream>[0]): Stream {
  const stream = new Stream(options);
  stream.run(50);
  stream.tell({ kind: 'start', ...all });
  return stream;
}

/** Nothing but what the converters latched, all of it, and the converters treated as their data sheet asks. */
function isFaithful(report: ReturnType<Stream['report']>): boolean {
  const { wrong, lost, gaps, damaged, powerDowns, badReads, worstTimeUs } = report;
  return wrong + lost + gaps + damaged + powerDowns + badReads === 0 && worstTimeUs < 1_000;
}

test('in 60 s every sample of eight cells at 80 samples a second is the conversion that was latched', (t) => {
  t.timeout(240_000);
  const stream = streaming({ channels: 8, seed: 1 });
  stream.run(10_000);
  const early = stream.report().hash;
  stream.run(50_000);
  const report = stream.report();
  t.log(JSON.stringify(report));
  t.true(isFaithful(report));
  t.true(report.equal > 8 * 59 * 76, 'none is missing at the ends either');
  const pins = stream.mcu.statistics.channels;
  t.true(pins.every((statistics) => statistics?.shortPulses === 0));

  const again = streaming({ channels: 8, seed: 1 });
  again.run(10_000);
  t.is(again.report().hash, early, 'the same run gives the same bytes');
});

test('four cells whose rate the bridge sets are read as faithfully at 10 and at 80 samples a second', (t) => {
  for (const rate of [10, 80] as const) {
    const stream = new Stream({ channels: 4, seed: 2 });
    stream.run(50);
    stream.tell({ kind: 'start', channels: 0x0f, rate, gain: 128 });
    stream.run(5_000);
    const report = stream.report();
    t.true(isFaithful(report), JSON.stringify(report));
    t.true(Math.abs(report.equal - 4 * 4.6 * rate) < 4 * 0.6 * rate, `${report.equal} at ${rate}`);
  }
});

test('damaged commands are never carried out, and are counted and told', (t) => {
  const stream = streaming({ channels: 4, seed: 5 });
  stream.run(500);
  const random = createRandom(5);
  const sent = new Set<string>();
  stream.mcu.toMcu.troubles.bitErrors = 0.01;
  for (let message = 0; message < 600; message++) {
    const bytes = Uint8Array.from({ length: 1 + random.integer(24) }, () => random.integer(256));
    sent.add(Buffer.from(bytes).toString('hex'));
    stream.tell({ kind: 'echo', bytes });
    stream.run(12);
  }
  stream.mcu.toMcu.troubles.bitErrors = 0;
  stream.run(100);
  const echoes = stream.messages.flatMap((message) => (message.kind === 'echoReply' ? [message.bytes] : []));
  t.true(echoes.length > 400 && echoes.length < 600, `${echoes.length} of 600 came through`);
  t.true(echoes.every((bytes) => sent.has(Buffer.from(bytes).toString('hex'))));
  const told = stream.messages.filter(
    (message) => message.kind === 'notice' && message.what === noticeKinds.badCrc,
  );
  t.true(told.length > 5);
  stream.tell({ kind: 'status' });
  stream.run(50);
  const status = stream.messages.findLast((message) => message.kind === 'statusReport');
  t.like(status, { streaming: true, channels: all.channels, rate: 80 });
  t.true(isFaithful(stream.report()), 'the samples went on all the while');
});

onChip('a firmware that lets an interrupt hold the clock high fails the same check', async (t) => {
  t.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), 'bridge-bad-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  cpSync('boards/firmware/load-cell-bridge', folder, {
    recursive: true,
    filter: (path) => !path.endsWith('/out'),
  });
  await run('make', ['--no-print-directory', '-C', folder, 'bad']);
  const stream = streaming({ hexFile: join(folder, 'out/load-cell-bridge-bad.hex'), channels: 8, seed: 1 });
  stream.run(5_000);
  const report = stream.report();
  t.log(JSON.stringify(report));
  t.false(isFaithful(report));
  t.true(report.powerDowns > 50, 'its converters were powered down in the middle of a read');
  t.true(report.wrong + report.lost > 100, 'and samples were spoilt or lost by it');
});
