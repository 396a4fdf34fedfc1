import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { PlateEntry } from '#config/board.ts';
import type { PlainMap } from '#events/fields.ts';
import type { AuditHead } from '#identity/audit-chain.ts';
import { readAuditPage } from '#identity/audit-pages.ts';
import { parseArguments } from './arguments.ts';
import type { GatewaySetup } from './setup.ts';

/** Records of one answer, and characters of them: an answer has to fit one message, JSON and CBOR alike. */
const mostRecords = 200;
const mostCharacters = 120_000;
/** Longest configuration that is shown, characters. */
const mostConfiguration = 60_000;

const auditList = z.strictObject({
  from: z.number().int().min(1).optional(),
  count: z.number().int().min(1).max(mostRecords).default(50),
});
const none = z.strictObject({});

/** Names of settings whose value is nobody's business but the device's, wherever they stand. */
const secretName = /password|secret|token|credential|private|passphrase/i;
/** Settings that only sound like it: a pattern of a code, the name of a file. */
const openNames: ReadonlySet<string> = new Set(['tokenPattern', 'passwordFile']);
/** User and password in an address. */
const login = /^([a-z][a-z0-9+.-]*:\/\/)[^/@\s]+@/i;
export const redacted = '(not shown)';

/** What technicians may look at of a device beside what it measures: its audit log, and its configuration. */
export interface Inspection {
  auditList(args: unknown): Promise<PlainMap>;
  configShow(args: unknown): PlainMap;
}

/** @param head end of the audit log as it is now */
export function makeInspection(
  setup: Pick<GatewaySetup, 'config' | 'board' | 'dataFolder'>,
  head: () => AuditHead,
): Inspection {
  return {
    async auditList(args) {
      const { from, count } = parseArguments('audit.list', auditList, args);
      const { number, hash } = head();
      const page = await readAuditPage(
        join(setup.dataFolder, 'audit'),
        { number, hash },
        {
          from,
          count,
          mostCharacters,
        },
      );
      return { records: page.lines, first: page.first, damaged: page.damaged, head: { number, hash } };
    },
    configShow(args) {
      parseArguments('config.show', none, args);
      const text = stringify(withoutSecrets(setup.config));
      const board = stringify(withoutSecrets(setup.board));
      return {
        config: cut(text),
        board: cut(board),
        plates: setup.board.plates.map(plateFacts),
        sha256: createHash('sha256').update(text).update(board).digest('hex'),
      };
    },
  };
}

/** A copy of plain values in which no password, token or login stands. Undefined values are left out. */
export function withoutSecrets(value: unknown, name = ''): unknown {
  if (secretName.test(name) && !openNames.has(name) && typeof value !== 'object') return redacted;
  if (Array.isArray(value)) return value.map((inner) => withoutSecrets(inner, name));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, inner]) =>
        inner === undefined ? [] : [[key, withoutSecrets(inner, secretName.test(name) ? name : key)]],
      ),
    );
  }
  return typeof value === 'string' ? value.replace(login, `$1${redacted}@`) : value;
}

/** What a page has to know of a plate to show it, and to tell where weights belong. */
function plateFacts({ id, kind, maxMg, intervalMg, cells }: PlateEntry): PlainMap {
  return {
    id,
    kind,
    ...(maxMg === undefined ? {} : { maxMg }),
    ...(intervalMg === undefined ? {} : { intervalMg }),
    cells: (cells ?? []).map((cell) => ({
      id: cell.id,
      positionMm: cell.positionMm.map(Math.round),
      capacityMg: cell.capacityMg,
    })),
  };
}

function cut(text: string): string {
  return text.length <= mostConfiguration ? text : `${text.slice(0, mostConfiguration)}\n# … (cut)\n`;
}
