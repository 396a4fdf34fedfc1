import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findTool } from '#test/tools.ts';

function openssl(...args: readonly string[]): void {
  const program = findTool('openssl');
  if (program === undefined) throw new Error('openssl is not installed');
  execFileSync(program, args, { stdio: 'pipe' });
}

/** An authority of the test's own; `issue` makes a certificate for a name or address and answers with its files. */
export function makeAuthority(folder: string, name: string) {
  const ca = join(folder, `${name}.pem`);
  const caKey = join(folder, `${name}-key.pem`);
  const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...elliptic, '-subj', `/CN=${name}`, '-keyout', caKey, '-out', ca);
  const issue = (subject: string, alternative: string) => {
    const cert = join(folder, `${name}-${subject}.pem`);
    const key = join(folder, `${name}-${subject}-key.pem`);
    const extensions = join(folder, `${name}-${subject}.cnf`);
    writeFileSync(extensions, `subjectAltName=${alternative}\n`);
    openssl('req', ...elliptic, '-subj', `/CN=${subject}`, '-keyout', key, '-out', `${cert}.csr`);
    openssl(
      ...['x509', '-req', '-in', `${cert}.csr`, '-CA', ca, '-CAkey', caKey, '-CAcreateserial'],
      ...['-days', '2', '-extfile', extensions, '-out', cert],
    );
    return { cert, key };
  };
  return { ca, issue };
}
