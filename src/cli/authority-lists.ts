import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { Authority } from '#authority/authority.ts';
import { readBrokerLink } from '#authority/broker.ts';
import { fingerprintOf } from '#identity/chain.ts';
import { notice, printJson } from './terminal.ts';

/** Where an installed authority has its folder (docs/operator/provision.md). */
const installedFolder = '/var/lib/cartwright-authority';
/** So many days before a server's certificate ends it is told. */
const warnDays = 90;

interface ListOptions {
  readonly folder: string;
  readonly json?: boolean;
}

/** Adds the option of every command that works with an authority: the installed one, where there is one. */
export function withAuthority(command: Command): Command {
  const isInstalled = existsSync(join(installedFolder, 'authority.json'));
  return command.option(
    '--folder <folder>',
    'folder of the authority',
    isInstalled ? installedFolder : 'data/authority',
  );
}

/** Adds `authority list` and `authority audit`: what the record holds. */
export function registerAuthorityLists(authority: Command): void {
  for (const [name, description, action] of [
    ['show', "show the store, the root's SHA-256, and how the broker is told", show],
    ['list', 'show devices with their certificates, and open claims', list],
    ['audit', 'show what was done with the authority, and what it refused', audit],
  ] as const) {
    withAuthority(authority.command(name).description(description))
      .option('--json', 'print as JSON')
      .action(action);
  }
}

/** Nobody can connect any more when the broker's own certificate is over: all carts at once. */
export function warnOfEnds(authority: Authority, tell: (message: string) => void): void {
  for (const { name, toMs } of authority.serversEnding(Date.now(), warnDays)) {
    const date = new Date(toMs).toISOString().slice(0, 10);
    tell(
      `the certificate of the server ${name} ends on ${date}, and nothing connects to it after that: make another one (authority server), or start authority serve again where it is its own`,
    );
  }
}

const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);

async function show({ folder, json }: ListOptions): Promise<void> {
  const link = await readBrokerLink(folder);
  const authority = await Authority.open(folder);
  try {
    const { store, broker } = authority.settings;
    const facts = {
      store,
      folder,
      root: fingerprintOf(new X509Certificate(authority.root)),
      until: day(new X509Certificate(authority.root).validToDate.getTime()),
      devices: broker ?? '(no address is told to them: authority init --broker)',
      told: link === undefined ? '(the broker is not told who is shut out: authority broker)' : link.url,
    };
    if (json) printJson(facts);
    else {
      for (const [name, value] of Object.entries(facts))
        process.stdout.write(`${name.padEnd(7)}  ${value}\n`);
    }
    warnOfEnds(authority, notice);
  } finally {
    authority.close();
  }
}

async function list({ folder, json }: ListOptions): Promise<void> {
  const authority = await Authority.open(folder);
  try {
    const nowMs = Date.now();
    const certificates = authority.book.certificates().map((one) => ({
      kind: one.kind,
      name: one.name,
      serial: one.serial,
      from: day(one.fromMs),
      to: day(one.toMs),
      state: one.revokedMs === undefined ? (one.toMs > nowMs ? 'valid' : 'over') : 'revoked',
      why: one.why ?? '',
    }));
    const claims = authority.book
      .claims()
      .filter(({ usedMs, expiresMs }) => usedMs === undefined && expiresMs > nowMs)
      .map(({ device, expiresMs, id }) => ({
        device,
        claim: id,
        expires: new Date(expiresMs).toISOString(),
      }));
    if (json) {
      printJson({ store: authority.settings.store, certificates, claims });
      return;
    }
    const width = Math.max(6, ...certificates.map(({ name }) => name.length));
    for (const one of certificates) {
      const why = one.why === '' ? '' : `  ${one.why}`;
      process.stdout.write(
        `${one.kind.padEnd(6)}  ${one.name.padEnd(width)}  ${one.state.padEnd(7)}  until ${one.to}  ${one.serial}${why}\n`,
      );
    }
    for (const { device, expires } of claims)
      process.stdout.write(`claim   ${device.padEnd(width)}  open     until ${expires}\n`);
    warnOfEnds(authority, notice);
  } finally {
    authority.close();
  }
}

async function audit({ folder, json }: ListOptions): Promise<void> {
  const authority = await Authority.open(folder);
  try {
    for (const { number, atMs, what, device, facts } of authority.book.audit()) {
      const line = {
        number,
        at: new Date(atMs).toISOString(),
        what,
        ...(device === undefined ? {} : { device }),
        ...facts,
      };
      if (json) printJson(line);
      else
        process.stdout.write(`${line.at}  ${what.padEnd(9)}  ${device ?? '-'}  ${JSON.stringify(facts)}\n`);
    }
  } finally {
    authority.close();
  }
}
