import { sha256, toHex } from './bytes.ts';

/** A record of a device's audit log, as far as this page could check it. */
export interface ChainedRecord {
  readonly number: number;
  /** It is what its hash says, and follows from the record before it in this list. */
  readonly holds: boolean;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** `,"hash":"…"}`: the hash is over everything before (src/identity/audit-chain.ts). */
const tail = /,"hash":"([0-9a-f]{64})"\}$/;

/** Reads and checks records as they stand in the log, the oldest first. What is no record is left out. */
export async function readChain(lines: readonly string[]): Promise<readonly ChainedRecord[]> {
  const records: ChainedRecord[] = [];
  let before: string | undefined;
  for (const line of lines) {
    const hash = tail.exec(line)?.[1];
    const body = line.replace(tail, '');
    const facts = parsed(line);
    if (hash === undefined || facts === undefined) continue;
    const isWhole = toHex(await sha256(new TextEncoder().encode(body))) === hash;
    const follows = before === undefined || facts.previous === before;
    records.push({ number: Number(facts.number), holds: isWhole && follows, facts });
    before = hash;
  }
  return records;
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
