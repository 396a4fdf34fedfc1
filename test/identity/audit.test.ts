import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import fc from 'fast-check';
import { chainLine, checkChain, emptyHead, readLine } from '#identity/audit-chain.ts';
import { AuditLog, verifyAudit } from '#identity/audit-log.ts';
import { IdentityError } from '#identity/errors.ts';

const test = anyTest as TestFn<{ folder: string }>;

test.beforeEach(async (t) => {
  t.context.folder = join(await mkdtemp(join(tmpdir(), 'audit-')), 'audit');
});

test.afterEach.always((t) => rm(join(t.context.folder, '..'), { recursive: true, force: true }));

/** The bytes of a chain of these facts. */
function chainOf(facts: readonly object[]): Buffer {
  let head = emptyHead;
  const lines = facts.map((one) => {
    const next = chainLine(head, { ...one });
    head = next.head;
    return next.line;
  });
  return Buffer.concat(lines);
}

async function filled(folder: string, records: number) {
  const { log } = await AuditLog.open(folder);
  for (let number = 1; number <= records; number++)
    await log.append({ what: 'item.override', number1: number });
  return log;
}

const segment = '0000000001.log';
const small = chainOf([
  { what: 'item.override', key: 'ab', cause: 'worn labél' },
  { what: 'keys.changed' },
  {},
]);

test('A record holds the hash of the one before, and is read back as it was written', (t) => {
  const { records, problem, head } = checkChain(small, emptyHead);
  t.is(problem, undefined);
  t.deepEqual(
    records.map(({ number }) => number),
    [1, 2, 3],
  );
  t.is(records[0]?.previous, emptyHead.hash);
  t.is(records[1]?.previous, records[0]?.hash);
  t.deepEqual(records[0]?.facts, { what: 'item.override', key: 'ab', cause: 'worn labél' });
  t.deepEqual(head, { number: 3, hash: records[2]?.hash });
});

test('One flipped bit anywhere in a log is found', (t) => {
  for (let bit = 0; bit < small.length * 8; bit++) {
    const flipped = Buffer.from(small);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    if (checkChain(flipped, emptyHead).problem === undefined) t.fail(`bit ${bit} makes no difference`);
  }
  t.pass();
});

test('A line that is taken out, doubled, moved or put in is found', (t) => {
  const lines = small.toString('utf8').split(/(?<=\n)/);
  const other = chainOf([{ what: 'forged' }]).toString('utf8');
  const [a = '', b = '', c = ''] = lines;
  for (const text of [
    b + c,
    a + c,
    a + a + b + c,
    b + a + c,
    a + other + b + c,
    other + b + c,
    a + b + c + a,
  ]) {
    t.not(checkChain(Buffer.from(text), emptyHead).problem, undefined);
  }
});

test('Any bytes are read as a record or refused with a code', (t) => {
  const [line = Buffer.alloc(0)] = [small.subarray(0, small.indexOf(10))];
  const mutated = fc
    .tuple(fc.nat(line.length - 1), fc.uint8Array({ maxLength: 5 }), fc.nat(5))
    .map(([at, put, cut]) => Buffer.concat([line.subarray(0, at), put, line.subarray(at + cut)]));
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      try {
        readLine(bytes);
        return Buffer.compare(Buffer.from(bytes), line) === 0;
      } catch (error) {
        return error instanceof IdentityError && error.code === 'CW-IDN-012';
      }
    }),
    { numRuns: Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000), seed: 33 },
  );
  t.pass();
});

test('A log goes on where it ended, and is whole over several files', async (t) => {
  const { folder } = t.context;
  const { log } = await AuditLog.open(folder);
  const filler = 'x'.repeat(50_000);
  for (let number = 1; number <= 50; number++) await log.append({ what: 'test', filler });
  const { log: again, findings } = await AuditLog.open(folder, log.head);
  t.deepEqual(findings, []);
  t.deepEqual(again.head, log.head);
  await again.append({ what: 'test' });
  const report = await verifyAudit(folder, again.head);
  t.deepEqual(report.problems, []);
  t.is(report.records.length, 51);
  t.true(report.files.length > 2);
});

test('Records that are missing at the end are noticed by the head that is kept elsewhere, and numbers never go back', async (t) => {
  const { folder } = t.context;
  const { head } = await filled(folder, 4);
  const bytes = await readFile(join(folder, segment));
  const cut = bytes.lastIndexOf(10, bytes.length - 2) + 1;
  await truncate(join(folder, segment), cut);
  t.deepEqual((await verifyAudit(folder)).problems, []);
  t.regex((await verifyAudit(folder, head)).problems.join(), /ends with record 3, and 4 were written/);
  const { log, findings } = await AuditLog.open(folder, head);
  t.deepEqual(
    findings.map(({ what }) => what),
    ['audit.truncated'],
  );
  t.is((await log.append({ what: 'audit.truncated' })).number, 5);
  t.not((await verifyAudit(folder, log.head)).problems.length, 0);
  t.deepEqual((await AuditLog.open(folder, log.head)).findings, []);
});

test('A log that is taken away or replaced as a whole is noticed', async (t) => {
  const { folder } = t.context;
  const { head } = await filled(folder, 3);
  await rm(folder, { recursive: true });
  t.is((await AuditLog.open(folder, head)).findings[0]?.what, 'audit.truncated');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, segment), chainOf([{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }]));
  const { findings, log } = await AuditLog.open(folder, head);
  t.is(findings[0]?.what, 'audit.replaced');
  t.is(log.head.number, 4);
  t.regex((await verifyAudit(folder, head)).problems.join(), /record 3 is not the one that was written/);
});

test('Wherever power is cut while a record is written, what was confirmed is there, the rest is moved aside, and the chain goes on', async (t) => {
  const { folder } = t.context;
  const first = await filled(folder, 2);
  const { head } = first;
  const before = await readFile(join(folder, segment));
  await first.append({ what: 'line.void', cause: 'torn' });
  const after = await readFile(join(folder, segment));
  for (let length = before.length; length <= after.length; length++) {
    await rm(folder, { recursive: true });
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, segment), after.subarray(0, length));
    const { log, findings, newer } = await AuditLog.open(folder, head);
    const isTorn = length > before.length && length < after.length;
    t.deepEqual(
      findings.map(({ what }) => what),
      isTorn ? ['audit.torn'] : [],
    );
    t.is(newer.length, length === after.length ? 1 : 0);
    t.is((await log.append({ what: 'next' })).number, length === after.length ? 4 : 3);
    t.deepEqual((await verifyAudit(folder, log.head)).problems, []);
    const aside = (await readdir(folder)).filter((name) => name.startsWith('torn-'));
    t.is(aside.length, isTorn ? 1 : 0);
    const [kept] = aside;
    if (kept !== undefined) {
      t.deepEqual(await readFile(join(folder, kept)), after.subarray(before.length, length));
    }
  }
});

test('A segment of which nothing got to the disk is begun again', async (t) => {
  const { folder } = t.context;
  await filled(folder, 2);
  const { head } = await AuditLog.open(folder).then(({ log }) => log);
  for (const left of ['', '{"number":3,"prev']) {
    await writeFile(join(folder, '0000000003.log'), left);
    const { log, findings } = await AuditLog.open(folder, head);
    t.is(findings.length, left === '' ? 0 : 1);
    t.deepEqual(log.head, head);
    t.deepEqual((await verifyAudit(folder, head)).problems, []);
  }
});

test('A damaged log stays as it is, is told, and goes on above every number that was given', async (t) => {
  const { folder } = t.context;
  const { head } = await filled(folder, 3);
  const bytes = await readFile(join(folder, segment));
  for (const at of [5, bytes.length - 40]) {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    await rm(folder, { recursive: true });
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, segment), damaged);
    const { log, findings } = await AuditLog.open(folder, head);
    t.is(findings[0]?.what, 'audit.damaged');
    t.is((await log.append({ what: 'audit.damaged' })).number, 4);
    t.deepEqual(await readFile(join(folder, segment)), damaged);
    t.not((await verifyAudit(folder)).problems.length, 0);
  }
});

test('A disk that refuses is told with a code, and the record is written when it takes it', async (t) => {
  const { folder } = t.context;
  await writeFile(folder, 'a file where the folder should be');
  await t.throwsAsync(AuditLog.open(folder), { code: 'CW-IDN-013' });
  await rm(folder);
  const { log } = await AuditLog.open(folder);
  await writeFile(folder, 'again');
  await t.throwsAsync(log.append({ what: 'test' }), { code: 'CW-IDN-013' });
  await rm(folder);
  t.is((await log.append({ what: 'test' })).number, 1);
  t.deepEqual((await verifyAudit(folder, log.head)).problems, []);
});
