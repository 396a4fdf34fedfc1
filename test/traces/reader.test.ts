import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { TraceError } from '#traces/errors.ts';
import { parseHeader, parseLine } from '#traces/format.ts';
import { openTrace } from '#traces/reader.ts';
import { expand, expandText, headerLine, readAll, temporaryFolder, traceFile } from './support.ts';

const codeOf = (error: unknown) => (error instanceof TraceError ? error.code : error);
const imu = (t: number) => `{"t":${t},"source":"imu","acceleration":[0,0,${t}]}`;

test('A header of another version, or none, is refused', async (t) => {
  for (const header of [
    '{"trace":2,"device":"d","board":"b"}',
    '{"device":"d","board":"b"}',
    '{"trace":1,"board":"b"}',
    '{"trace":1,"device":"d"}',
    '{"trace":1,"device":"d","board":"b","started":"yesterday"}',
    '{"trace":1,"device":"d","board":"b","state":{}}',
    '{"trace":1,"device":"d","board":"b","originUs":-1}',
    '[1]',
    'PK\u0003\u0004',
    '',
  ]) {
    const error = await t.throwsAsync(async () => openTrace(await traceFile(t, `${header}\n`)));
    t.is(codeOf(error), 'CW-TRC-001', header);
    t.regex((error as Error).message, /trace\.ndjson/, `the file is named: ${header}`);
  }
  const newer = parseHeader('{"trace":1,"device":"d","board":"b","from":"a later version"}', 'trace.ndjson');
  t.deepEqual(newer, { trace: 1, device: 'd', board: 'b' });
});

test('Time that jumps further than any device is left alone is refused, with what came before it', async (t) => {
  const day = 86_400_000_000;
  const fine = await readAll(await traceFile(t, [headerLine, imu(5), imu(5 + 30 * day)].join('\n')));
  t.is(fine.error, undefined);
  for (const line of [
    imu(6 + 30 * day),
    imu(9_007_199_254_740_000),
    '{"t":9007199254740000,"tomorrow":1}',
    '{"t":5,"source":"cell-fl","counts":[1,2,3],"periodUs":1296000000001}',
  ]) {
    const { lines, error } = await readAll(await traceFile(t, [headerLine, imu(5), line].join('\n')));
    t.is(codeOf(error), 'CW-TRC-009', line);
    t.deepEqual(lines.length, 1, line);
    t.regex((error as Error).message, /^line 3\b/);
  }
  const late = headerLine.replace('{', `{"originUs":${Number.MAX_SAFE_INTEGER - 100},`);
  const { lines, error } = await readAll(await traceFile(t, [late, imu(100), imu(101)].join('\n')));
  t.is(codeOf(error), 'CW-TRC-009', 'times stay exact numbers');
  t.is(lines.length, 1);
});

test('An empty file, a folder and a file that is not there are told apart', async (t) => {
  t.is(codeOf(await t.throwsAsync(openTrace(await traceFile(t, '')))), 'CW-TRC-001');
  const folder = await temporaryFolder(t);
  t.is(codeOf(await t.throwsAsync(openTrace(folder))), 'CW-TRC-005');
  t.is(codeOf(await t.throwsAsync(openTrace(join(folder, 'no.ndjson')))), 'CW-TRC-005');
  t.is(codeOf(await t.throwsAsync(openTrace(join(folder, 'no.ndjson.zst')))), 'CW-TRC-005');
});

test('A trace may end without a line break, have blank lines and lines of Windows', async (t) => {
  const path = await traceFile(t, `\uFEFF${headerLine}\r\n\r\n${imu(1)}\r\n\n${imu(2)}`);
  const { lines, error } = await readAll(path);
  t.is(error, undefined);
  t.deepEqual(
    lines.map((line) => line.t),
    [1, 2],
  );
});

test('Of a trace that was cut off, everything before the cut is given out', async (t) => {
  const whole = [headerLine, ...Array.from({ length: 2000 }, (_, i) => imu(i)), ''].join('\n');
  for (const cut of [5, 200, whole.length - 300_000 / 4]) {
    const path = await traceFile(t, whole.slice(0, -cut));
    const { lines, error } = await readAll(path);
    t.is(codeOf(error), 'CW-TRC-004');
    const full = whole.slice(0, -cut).split('\n').length - 2;
    t.is(lines.length, full);
  }
  t.is(codeOf((await readAll(await traceFile(t, headerLine.slice(0, 20)))).error), 'CW-TRC-004');
});

test('A compressed trace reads as the plain one, and its cut is told', async (t) => {
  const texts = [headerLine, ...Array.from({ length: 60_000 }, (_, i) => imu(i * 7))];
  const compressed = zstdCompressSync(Buffer.from(`${texts.join('\n')}\n`));
  const whole = await readAll(await traceFile(t, compressed, 'trace.ndjson.zst'));
  t.is(whole.error, undefined);
  t.is(whole.lines.length, 60_000);
  const half = compressed.subarray(0, compressed.length / 2);
  const cut = await readAll(await traceFile(t, half, 'trace.ndjson.zst'));
  t.is(codeOf(cut.error), 'CW-TRC-004');
  t.true(cut.lines.length > 10_000);
  t.deepEqual(cut.lines, whole.lines.slice(0, cut.lines.length));
  const garbage = await readAll(await traceFile(t, headerLine, 'trace.ndjson.zst'));
  t.is(codeOf(garbage.error), 'CW-TRC-004');
});

test('Lines out of order are refused where they stand', async (t) => {
  const { lines, error } = await readAll(
    await traceFile(t, [headerLine, imu(1), imu(5), imu(5), imu(4), imu(9)].join('\n')),
  );
  t.is(codeOf(error), 'CW-TRC-003');
  t.regex((error as Error).message, /^line 5: t is 4, a line before had 5/);
  t.is(lines.length, 3);
});

test('A file without line breaks does not fill the memory', async (t) => {
  const path = await traceFile(t, `${headerLine}\n${imu(1)}\n${'x'.repeat(9 * 1024 * 1024)}`);
  const { lines, error } = await readAll(path);
  t.is(codeOf(error), 'CW-TRC-006');
  t.is(lines.length, 1);
});

test('Whatever a line holds, it is a line or a coded error that names it', (t) => {
  const shapes = fc.record(
    {
      t: fc.oneof(fc.nat(), fc.jsonValue()),
      source: fc.oneof(fc.string(), fc.jsonValue()),
      counts: fc.oneof(fc.array(fc.oneof(fc.integer(), fc.jsonValue())), fc.jsonValue()),
      periodUs: fc.jsonValue(),
      sequence: fc.jsonValue(),
      scan: fc.jsonValue(),
      scanHex: fc.jsonValue(),
      massMg: fc.jsonValue(),
      stable: fc.boolean(),
      truth: fc.jsonValue(),
      command: fc.jsonValue(),
      args: fc.jsonValue(),
      fault: fc.jsonValue(),
      clock: fc.jsonValue(),
      sighting: fc.jsonValue(),
      acceleration: fc.jsonValue(),
      end: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const text = fc.oneof(
    fc.json(),
    fc.string(),
    shapes.map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(text, (one) => {
      try {
        expand([parseLine(one, 17)]);
      } catch (error) {
        if (!(error instanceof TraceError) || error.code !== 'CW-TRC-002') throw error;
        if (!error.message.startsWith('line 17 ')) throw error;
      }
      try {
        parseHeader(one, 'trace.ndjson');
      } catch (error) {
        if (codeOf(error) !== 'CW-TRC-001') throw error;
      }
    }),
    { numRuns: 3000, seed: 20260105 },
  );
  t.throws(() => parseLine('['.repeat(100_000), 3), { instanceOf: TraceError });
  t.pass();
});

test('Runs of samples interleave by time with each other and with other lines; ties go by the order of lines', (t) => {
  const { inputs } = expandText([
    headerLine,
    '{"t":0,"source":"a","counts":[1,2,3,4],"periodUs":10,"sequence":90}',
    '{"t":5,"source":"b","counts":[1,2,3],"periodUs":5}',
    '{"t":20,"source":"imu","acceleration":[0,0,1]}',
    '{"t":20,"source":"b","counts":9}',
    '{"t":20,"source":"a","counts":[7,8],"periodUs":10}',
  ]);
  t.deepEqual(
    inputs.map((input) => {
      if (input.kind === 'cell') return `${input.atUs} ${input.source} ${input.counts} #${input.sequence}`;
      return `${input.atUs} ${input.kind}`;
    }),
    [
      '0 a 1 #90',
      '5 b 1 #0',
      '10 a 2 #91',
      '10 b 2 #1',
      '15 b 3 #2',
      '20 a 3 #92',
      '20 motion',
      '20 b 9 #3',
      '20 a 7 #94',
      '30 a 4 #93',
      '30 a 8 #95',
    ],
  );
});

test('Lines of kinds that only a later version knows are passed over', (t) => {
  const { inputs, lastUs } = expandText([headerLine, '{"t":3,"humidity":7}', '{"t":9,"end":true}']);
  t.deepEqual(inputs, [{ kind: 'end', atUs: 9 }]);
  t.is(lastUs, 9);
});
