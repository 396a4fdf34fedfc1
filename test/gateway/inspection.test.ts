import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Board } from '#config/board.ts';
import { configSchema } from '#config/schema.ts';
import { makeInspection, redacted, withoutSecrets } from '#gateway/inspection.ts';
import { readLine } from '#identity/audit-chain.ts';
import { AuditLog } from '#identity/audit-log.ts';
import { readAuditPage } from '#identity/audit-pages.ts';

async function logOf(t: ExecutionContext, records: number, filling = '') {
  const dataFolder = await mkdtemp(join(tmpdir(), 'cartwright-inspection-'));
  t.teardown(() => rm(dataFolder, { recursive: true, force: true }));
  const folder = join(dataFolder, 'audit');
  const { log } = await AuditLog.open(folder);
  for (let number = 1; number <= records; number++)
    await log.append({ what: 'log.level', n: number, filling });
  return { dataFolder, folder, log };
}

const numbers = (lines: readonly string[]) => lines.map((line) => readLine(Buffer.from(line)).number);
const setup = (dataFolder: string) => ({
  config: configSchema.parse({
    cartwright: 1,
    store: 'store-1',
    device: 'cart-0001',
    board: 'cart.yaml',
    catalogue: 'demo.json',
    broker: { url: 'mqtts://broker.example', username: 'cart', passwordFile: '/etc/cartwright/password' },
  }),
  board: {
    name: 'cart',
    devices: [{ id: 'scale', driver: 'x', options: { apiToken: 'abc', port: 'p' } }],
    plates: [
      {
        id: 'basket',
        kind: 'cart',
        maxMg: 30_000_000,
        intervalMg: 5_000,
        cells: [{ id: 'fl', positionMm: [-220.4, 330], capacityMg: 10_000_000 }],
      },
      { id: 'rack', kind: 'unweighed' },
    ],
  } as unknown as Board,
  dataFolder,
});

test('Records of the audit log are given in pages, the newest where nobody says which', async (t) => {
  const { dataFolder, log } = await logOf(t, 130);
  const { auditList } = makeInspection(setup(dataFolder), () => log.head);
  const newest = await auditList({});
  t.deepEqual(
    numbers(newest.records as string[]),
    Array.from({ length: 50 }, (_, index) => 81 + index),
  );
  t.is(newest.first, 81);
  t.deepEqual(newest.head, { number: 130, hash: log.head.hash });
  const older = await auditList({ from: 79, count: 3 });
  t.deepEqual(numbers(older.records as string[]), [79, 80, 81]);
  t.deepEqual((await auditList({ from: 131 })).records, []);
  t.deepEqual(numbers((await auditList({ from: 129, count: 200 })).records as string[]), [129, 130]);
  for (const args of [{ from: 0 }, { count: 201 }, { count: 0 }, { all: true }]) {
    await t.throwsAsync(auditList(args), { code: 'CW-CMD-008' });
  }
});

test('An answer with records fits one message, and reaches every record in turn over all segments', async (t) => {
  const { folder, log } = await logOf(t, 90, 'x'.repeat(30_000));
  t.true((await readdir(folder)).length > 2);
  const asked = { count: 50, mostCharacters: 120_000 };
  const newest = await readAuditPage(folder, log.head, asked);
  t.deepEqual(numbers(newest.lines), [88, 89, 90]);
  const seen: number[] = [];
  for (let from = 1; from <= 90; ) {
    const page = await readAuditPage(folder, log.head, { ...asked, from });
    t.true(page.lines.join('').length <= 120_000);
    seen.push(...numbers(page.lines));
    from = (seen.at(-1) ?? 0) + 1;
  }
  t.deepEqual(
    seen,
    Array.from({ length: 90 }, (_, index) => index + 1),
  );
});

test('A damaged record is counted and left out, those beside it are given', async (t) => {
  const { folder, log } = await logOf(t, 5);
  const [name = ''] = await readdir(folder);
  const text = await readFile(join(folder, name), 'utf8');
  await writeFile(join(folder, name), text.replace('"n":3', '"n":8'));
  const page = await readAuditPage(folder, log.head, { count: 10, mostCharacters: 9_000 });
  t.deepEqual(numbers(page.lines), [1, 2, 4, 5]);
  t.is(page.damaged, 1);
});

test('A log without records gives an empty page', async (t) => {
  const { dataFolder, log } = await logOf(t, 0);
  const { auditList } = makeInspection(setup(dataFolder), () => log.head);
  const page = await auditList({});
  t.deepEqual([page.records, page.first], [[], 0]);
});

test('The configuration is shown with its defaults, and without what opens anything', (t) => {
  const { configShow } = makeInspection(setup('/nowhere'), () => ({ number: 0, hash: '' }));
  const shown = configShow({});
  const text = `${shown.config}${shown.board}`;
  t.regex(text, /maxBytes: \d+/);
  t.regex(text, /passwordFile: \/etc\/cartwright\/password/);
  t.true(text.includes(`apiToken: ${redacted}`));
  t.false(text.includes('abc'));
  t.regex(String(shown.sha256), /^[0-9a-f]{64}$/);
  t.deepEqual(shown.plates, [
    {
      id: 'basket',
      kind: 'cart',
      maxMg: 30_000_000,
      intervalMg: 5_000,
      cells: [{ id: 'fl', positionMm: [-220, 330], capacityMg: 10_000_000 }],
    },
    { id: 'rack', kind: 'unweighed', cells: [] },
  ]);
  t.throws(() => configShow({ secrets: true }), { code: 'CW-CMD-008' });
});

test('Passwords and tokens are redacted wherever they stand, and logins in addresses', (t) => {
  t.deepEqual(
    withoutSecrets({
      broker: { url: 'mqtt://user:pw@host:1883', password: 'pw', port: 1 },
      tokenPattern: '^QR-',
      secrets: { a: 'x', list: ['y'] },
      gone: undefined,
    }),
    {
      broker: { url: `mqtt://${redacted}@host:1883`, password: redacted, port: 1 },
      tokenPattern: '^QR-',
      secrets: { a: redacted, list: [redacted] },
    },
  );
});
