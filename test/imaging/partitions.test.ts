import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest from 'ava';
import fc from 'fast-check';
import {
  derivedUuid,
  layOut,
  partitionFor,
  roomFor,
  sectorBytes,
  sfdiskScript,
} from '../../scripts/imaging/partitions.ts';
import { findTool, needs } from '../tools.ts';

const test = needs(anyTest, 'sfdisk');
const sizes = fc.record({
  boot: fc.integer({ min: 64, max: 1_024 }),
  root: fc.integer({ min: 256, max: 16_384 }),
  data: fc.integer({ min: 16, max: 65_536 }),
});

test('partitions lie behind one another at whole MiB, data last, and leave room for the second table', (t) => {
  fc.assert(
    fc.property(sizes, fc.string(), (wanted, seed) => {
      const { partitions, sectors } = layOut(wanted, seed);
      let end = 34;
      for (const { startSector, sectors: length } of partitions) {
        if (startSector % 2_048 !== 0 || startSector < end) return false;
        end = startSector + length;
      }
      const ids = new Set(partitions.map(({ id }) => id));
      return (
        ids.size === partitions.length &&
        partitions.at(-1)?.role === 'data' &&
        end + 33 <= sectors &&
        sectors % 2_048 === 0
      );
    }),
    { seed: 1 },
  );
  t.pass();
});

test('both roots have the same size, and each partition the size that was asked for', (t) => {
  const table = layOut({ boot: 256, root: 1_024, data: 300 }, 'seed');
  t.is(partitionFor(table, 'boot').sectors * sectorBytes, 256 << 20);
  t.is(partitionFor(table, 'a').sectors, partitionFor(table, 'b').sectors);
  t.is(partitionFor(table, 'a').sectors * sectorBytes, 1_024 << 20);
  t.is(partitionFor(table, 'data').sectors * sectorBytes, 300 << 20);
});

test('sfdisk writes the table as it was laid out, with its ids and names', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cartwright-partitions-'));
  try {
    const table = layOut({ boot: 64, root: 256, data: 64 }, 'seed');
    const image = join(folder, 'image');
    writeFileSync(image, '');
    truncateSync(image, table.sectors * sectorBytes);
    const sfdisk = findTool('sfdisk') ?? 'sfdisk';
    execFileSync(sfdisk, ['--quiet', '--no-reread', image], { input: sfdiskScript(table) });
    const { partitiontable: read } = JSON.parse(
      execFileSync(sfdisk, ['--json', image], { encoding: 'utf8' }),
    );
    t.is(read.id.toLowerCase(), table.id);
    t.deepEqual(
      read.partitions.map(({ start, size, uuid, name, type }: Record<string, string>) => [
        ...[start, size, uuid?.toLowerCase(), name, type],
      ]),
      table.partitions.map(({ startSector, sectors, id, name, type }) => [
        startSector,
        sectors,
        id,
        name,
        type,
      ]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('ids are UUIDs of version 8, the same for the same seed and others for another one', (t) => {
  const id = derivedUuid('seed', 'boot');
  t.regex(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.is(derivedUuid('seed', 'boot'), id);
  t.not(derivedUuid('seed', 'data'), id);
  t.not(derivedUuid('seedb', 'oot'), id);
});

test('a file system has room for more than its files', (t) => {
  t.true(roomFor(500 << 20, 20_000) > 560);
  t.true(roomFor(0, 0) >= 24);
});
