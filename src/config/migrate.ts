import { copyFile, constants as fsConstants } from 'node:fs/promises';
import type { Document } from 'yaml';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { describeError } from '#base/errors.ts';
import { fileFinding, parseSource, readText, type SourceDocument, shownValue } from './document.ts';
import { ConfigError } from './errors.ts';

/** One step of a format, from a version to the next one. */
export interface Migration {
  /** Version that the step starts from; it makes `from + 1`. */
  readonly from: number;
  /** What changed, for the person whose file it is: one sentence a change. */
  readonly notes: readonly string[];
  /** Changes the document in place; comments of what stays are kept. The version key is set by the chain. */
  apply(document: Document): void;
}

/** A format that carries its version in a key of its own. */
export interface VersionedFormat {
  /** `cartwright`, `profile` or `calibration`. */
  readonly key: string;
  readonly current: number;
  readonly migrations: readonly Migration[];
}

/** Versions of the three formats. Version 1 is the first, so there is nothing to migrate from yet. */
export const configFormat: VersionedFormat = { key: 'cartwright', current: 1, migrations: [] };
export const boardFormat: VersionedFormat = { key: 'profile', current: 1, migrations: [] };
export const calibrationFormat: VersionedFormat = { key: 'calibration', current: 1, migrations: [] };

/** A document of the current version, and what was done to make it one (nothing, mostly). */
export interface Migrated {
  readonly source: SourceDocument;
  readonly from: number;
  readonly notes: readonly string[];
}

/**
 * Brings a document to the current version in memory, one version at a time. A document without a version, or of
 * one that no step starts from, is left to the schema's check; a newer one throws ConfigError CW-CFG-010.
 */
export function migrateSource(source: SourceDocument, format: VersionedFormat): Migrated {
  const found = source.document.get(format.key);
  if (typeof found !== 'number' || !Number.isInteger(found))
    return { source, from: format.current, notes: [] };
  if (found > format.current) {
    const expected = `at most ${format.current}; a newer release wrote this file`;
    const problem = fileFinding('CW-CFG-010', source.file, `version ${shownValue(found)}`, expected);
    throw new ConfigError('CW-CFG-010', [{ ...problem, path: format.key, ...source.locate([format.key]) }]);
  }
  const notes: string[] = [];
  let version = found;
  while (version < format.current) {
    const step = format.migrations.find((migration) => migration.from === version);
    if (step === undefined) break;
    step.apply(source.document);
    version += 1;
    source.document.set(format.key, version);
    notes.push(...step.notes.map((note) => `${format.key} ${step.from} → ${version}: ${note}`));
  }
  if (notes.length === 0 && version === found) return { source, from: found, notes };
  return { source: { ...source, value: source.document.toJS({ maxAliasCount: 100 }) }, from: found, notes };
}

/** What writing a migrated file did. */
export interface MigrationResult {
  readonly from: number;
  readonly to: number;
  /** Copy of the file as it was; absent when nothing had to change. */
  readonly backup?: string;
  readonly notes: readonly string[];
}

/**
 * Brings a file to the current version: the old one is kept beside it as `NAME.v<version>.bak` (never overwritten),
 * then the new one replaces it atomically. Interpolated and overridden values are not written. Rejects with ConfigError.
 */
export async function migrateFile(path: string, format: VersionedFormat): Promise<MigrationResult> {
  const { source, from, notes } = migrateSource(parseSource(await readText(path), path), format);
  const to = Number(source.document.get(format.key));
  if (notes.length === 0) return { from, to: from, notes };
  const backup = await keepBackup(path, from);
  await writeFileAtomic(path, source.document.toString({ lineWidth: 0 }));
  return { from, to, backup, notes };
}

async function keepBackup(path: string, version: number): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const backup = `${path}.v${version}${attempt === 0 ? '' : `.${attempt}`}.bak`;
    try {
      await copyFile(path, backup, fsConstants.COPYFILE_EXCL);
      return backup;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') continue;
      throw new ConfigError('CW-CFG-001', [
        fileFinding('CW-CFG-001', backup, describeError(error), 'room for a backup beside the file'),
      ]);
    }
  }
  const problem = fileFinding('CW-CFG-001', path, '100 backups', 'fewer backups: remove old ones');
  throw new ConfigError('CW-CFG-001', [problem]);
}
