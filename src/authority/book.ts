import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describeError } from '#base/errors.ts';
import { AuthorityError } from './errors.ts';

/**
 * Version 1. A claim is used up in the same transaction that stores the certificate which it gave: whenever power is cut, both are
 * there or neither.
 */
const schema = `
  CREATE TABLE claim (
    id TEXT PRIMARY KEY, hash BLOB NOT NULL, device TEXT NOT NULL, replaces INTEGER NOT NULL,
    madeMs INTEGER NOT NULL, expiresMs INTEGER NOT NULL, usedMs INTEGER, serial TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE certificate (
    serial TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, spki BLOB NOT NULL, pem TEXT NOT NULL,
    fromMs INTEGER NOT NULL, toMs INTEGER NOT NULL, revokedMs INTEGER, why TEXT, renews TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX certificate_name ON certificate (kind, name);
  CREATE TABLE audit (
    number INTEGER PRIMARY KEY, atMs INTEGER NOT NULL, what TEXT NOT NULL, device TEXT, facts TEXT NOT NULL
  ) STRICT;
  PRAGMA user_version = 1`;

export interface ClaimRow {
  readonly id: string;
  readonly hash: Uint8Array;
  readonly device: string;
  /** Whoever uses it takes the place of what bears this name. */
  readonly replaces: boolean;
  readonly madeMs: number;
  readonly expiresMs: number;
  readonly usedMs?: number | undefined;
  readonly serial?: string | undefined;
}

export interface CertificateRow {
  readonly serial: string;
  readonly kind: 'device' | 'server';
  readonly name: string;
  readonly spki: Uint8Array;
  /** The leaf alone. */
  readonly pem: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly revokedMs?: number | undefined;
  readonly why?: string | undefined;
  /** Serial number of the certificate that it follows. */
  readonly renews?: string | undefined;
}

export interface AuditRow {
  readonly number: number;
  readonly atMs: number;
  readonly what: string;
  readonly device?: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The authority's record, one SQLite file that several processes (the service, commands) may use at once. */
export class AuthorityBook {
  readonly #database: DatabaseSync;

  /** Opens it, making it where there is none. Throws CW-CAU-001. */
  constructor(path: string) {
    try {
      this.#database = new DatabaseSync(path, { timeout: 10_000 });
      // FULL: what was answered stays, also over a power cut.
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
      if (path !== ':memory:') chmodSync(path, 0o600);
      this.transaction(() => {
        const version = Number(this.#database.prepare('PRAGMA user_version').get()?.user_version);
        if (version === 0) this.#database.exec(schema);
        else if (version !== 1) throw new Error(`it is of version ${version}, this software reads 1`);
      });
    } catch (cause) {
      throw new AuthorityError('CW-CAU-001', `${path} can't be used: ${describeError(cause)}`, { cause });
    }
  }

  close(): void {
    this.#database.close();
  }

  /** Runs `work` as one: all of it is stored, or nothing. Others wait meanwhile. */
  transaction<Result>(work: () => Result): Result {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  addClaim(claim: ClaimRow): void {
    this.#database
      .prepare('INSERT INTO claim VALUES (?, ?, ?, ?, ?, ?, NULL, NULL)')
      .run(claim.id, claim.hash, claim.device, Number(claim.replaces), claim.madeMs, claim.expiresMs);
  }

  claim(id: string): ClaimRow | undefined {
    const row = this.#database.prepare('SELECT * FROM claim WHERE id = ?').get(id);
    return row === undefined ? undefined : claimOf(row);
  }

  claims(): ClaimRow[] {
    return this.#database.prepare('SELECT * FROM claim ORDER BY madeMs, id').all().map(claimOf);
  }

  useClaim(id: string, serial: string, nowMs: number): void {
    this.#database.prepare('UPDATE claim SET usedMs = ?, serial = ? WHERE id = ?').run(nowMs, serial, id);
  }

  addCertificate(row: CertificateRow): void {
    this.#database
      .prepare('INSERT INTO certificate VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?)')
      .run(row.serial, row.kind, row.name, row.spki, row.pem, row.fromMs, row.toMs, row.renews ?? null);
  }

  certificate(serial: string): CertificateRow | undefined {
    const row = this.#database.prepare('SELECT * FROM certificate WHERE serial = ?').get(serial);
    return row === undefined ? undefined : certificateOf(row);
  }

  /** All certificates, or those of one device; the oldest first. */
  certificates(device?: string): CertificateRow[] {
    const rows =
      device === undefined
        ? this.#database.prepare('SELECT * FROM certificate ORDER BY fromMs, serial').all()
        : this.#database
            .prepare("SELECT * FROM certificate WHERE kind = 'device' AND name = ? ORDER BY fromMs, serial")
            .all(device);
    return rows.map(certificateOf);
  }

  revoke(serial: string, why: string, nowMs: number): void {
    this.#database
      .prepare('UPDATE certificate SET revokedMs = ?, why = ? WHERE serial = ? AND revokedMs IS NULL')
      .run(nowMs, why, serial);
  }

  /** Claims of a device that nobody used are over from now on. */
  endClaims(device: string, nowMs: number): void {
    this.#database
      .prepare('UPDATE claim SET expiresMs = ? WHERE device = ? AND usedMs IS NULL AND expiresMs > ?')
      .run(nowMs, device, nowMs);
  }

  note(
    what: string,
    device: string | undefined,
    facts: Readonly<Record<string, unknown>>,
    nowMs: number,
  ): void {
    this.#database
      .prepare('INSERT INTO audit (atMs, what, device, facts) VALUES (?, ?, ?, ?)')
      .run(nowMs, what, device ?? null, JSON.stringify(facts));
  }

  /** Number of the newest note: whoever finds another one than before knows that something has changed meanwhile. */
  get last(): number {
    return Number(this.#database.prepare('SELECT max(number) AS last FROM audit').get()?.last ?? 0);
  }

  audit(): AuditRow[] {
    return this.#database
      .prepare('SELECT * FROM audit ORDER BY number')
      .all()
      .map((row) => ({
        number: Number(row.number),
        atMs: Number(row.atMs),
        what: String(row.what),
        device: row.device === null ? undefined : String(row.device),
        facts: JSON.parse(String(row.facts)) as Record<string, unknown>,
      }));
  }
}

type Row = Record<string, unknown>;
const numberOr = (value: unknown) => (value === null ? undefined : Number(value));
const textOr = (value: unknown) => (value === null ? undefined : String(value));

function claimOf(row: Row): ClaimRow {
  return {
    id: String(row.id),
    hash: row.hash as Uint8Array,
    device: String(row.device),
    replaces: Number(row.replaces) === 1,
    madeMs: Number(row.madeMs),
    expiresMs: Number(row.expiresMs),
    usedMs: numberOr(row.usedMs),
    serial: textOr(row.serial),
  };
}

function certificateOf(row: Row): CertificateRow {
  return {
    serial: String(row.serial),
    kind: row.kind === 'device' ? 'device' : 'server',
    name: String(row.name),
    spki: row.spki as Uint8Array,
    pem: String(row.pem),
    fromMs: Number(row.fromMs),
    toMs: Number(row.toMs),
    revokedMs: numberOr(row.revokedMs),
    why: textOr(row.why),
    renews: textOr(row.renews),
  };
}
