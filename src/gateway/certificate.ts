import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { plainCause } from '#base/system-error.ts';
import type { Health } from './health.ts';
import type { Warning } from './warnings.ts';

type CertificateHealth = NonNullable<Health['certificate']>;

const msPerDay = 86_400_000;
/** So many days before the end somebody should know, and again when it is urgent. */
const soonDays = 30;
const urgentDays = 7;

interface Judged {
  readonly health: CertificateHealth | undefined;
  readonly warnings: readonly Warning[];
}

/**
 * How long the certificate at `path` (PEM, the first one of a chain) is still good, and what to say about that. Never
 * rejects: one that can't be read is a warning.
 * @param nowMs UTC; undefined while the clock is unset
 */
export async function judgeCertificate(path: string, nowMs: number | undefined): Promise<Judged> {
  try {
    const notAfter = new X509Certificate(await readFile(path)).validToDate.getTime();
    if (nowMs === undefined) return { health: { notAfter }, warnings: [] };
    const daysLeft = Math.floor((notAfter - nowMs) / msPerDay);
    return { health: { notAfter, daysLeft }, warnings: warningsOf(daysLeft, notAfter) };
  } catch (error) {
    const message = `the device's certificate ${path} can't be read: ${plainCause(error)}; provision the device anew (scripts/cartwright provision), or name the right file in broker.certFile`;
    return { health: undefined, warnings: [{ code: 'CW-GWY-016', fault: 'permission', message }] };
  }
}

function warningsOf(daysLeft: number, notAfter: number): Warning[] {
  if (daysLeft >= soonDays) return [];
  const date = new Date(notAfter).toISOString().slice(0, 10);
  const how =
    'it is renewed by itself while the store’s authority answers: see scripts/cartwright provision status';
  if (daysLeft < 0) {
    const message = `the device's certificate has expired on ${date}: the broker refuses it; renew it (scripts/cartwright provision renew), or provision the device anew`;
    return [{ code: 'CW-GWY-018', fault: 'permission', message }];
  }
  const message = `the device's certificate expires on ${date}, in ${daysLeft} days; ${how}`;
  return daysLeft < urgentDays
    ? [{ code: 'CW-GWY-017', fault: 'permission', message }]
    : [{ code: 'CW-GWY-015', fault: 'permission', message }];
}
