import type { SourceDocument } from './document.ts';
import type { Finding } from './errors.ts';
import { Report } from './report.ts';
import type { Config } from './schema.ts';

const brokerProtocols = ['mqtt:', 'mqtts:'];

/** Checks values against each other and against what the schema can't express. Pure. */
export function checkValues(config: Config, source: Pick<SourceDocument, 'file' | 'locate'>): Finding[] {
  const report = new Report(source);
  checkBroker(config.broker, report);
  for (const key of ['tokenPattern', 'loyaltyPattern'] as const) {
    checkPattern(key, config.session[key], report);
  }
  if (config.fusion.decideWithinMs > 1000) {
    const expected = 'at most 1000: every movement is decided or asked about within a second';
    report.error('CW-CFG-007', ['fusion', 'decideWithinMs'], config.fusion.decideWithinMs, expected);
  }
  if (config.weighing.windowMs < 50) {
    const expected = 'at least 50: shorter windows hold too few samples for a spread';
    report.error('CW-CFG-007', ['weighing', 'windowMs'], config.weighing.windowMs, expected);
  }
  return report.findings;
}

function checkAddress(path: readonly (string | number)[], address: string, report: Report): void {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !brokerProtocols.includes(url.protocol) || url.hostname === '') {
    report.error('CW-CFG-007', path, address, 'mqtt://host:1883 or mqtts://host:8883');
  } else if (url.username !== '' || url.password !== '') {
    // The address is logged and shown on pages; a secret in it would be too.
    const redacted = `${url.protocol}//…@${url.host}`;
    const rule = 'an address without user and password: use broker.username and broker.passwordFile';
    report.error('CW-CFG-007', path, redacted, rule);
  }
}

function checkAddresses({ url, urls, embedded }: Config['broker'], report: Report): void {
  checkAddress(['broker', 'url'], url, report);
  for (const [index, address] of (urls ?? []).entries()) {
    checkAddress(['broker', 'urls', index], address, report);
    if (urls?.indexOf(address) !== index) {
      report.error('CW-CFG-012', ['broker', 'urls', index], address, 'each address once');
    }
  }
  if (embedded && urls !== undefined) {
    const rule = 'no urls, as embedded serves the one broker of broker.url';
    report.error('CW-CFG-007', ['broker', 'urls'], urls, rule);
  }
}

function checkBroker(broker: Config['broker'], report: Report): void {
  checkAddresses(broker, report);
  if (broker.reconnectFirstMs < 1) {
    report.error('CW-CFG-007', ['broker', 'reconnectFirstMs'], broker.reconnectFirstMs, 'at least 1');
  }
  if (broker.reconnectMaxMs < broker.reconnectFirstMs) {
    const rule = `at least broker.reconnectFirstMs (${broker.reconnectFirstMs})`;
    report.error('CW-CFG-007', ['broker', 'reconnectMaxMs'], broker.reconnectMaxMs, rule);
  }
  if (broker.passwordFile !== undefined && broker.username === undefined) {
    report.error('CW-CFG-005', ['broker', 'username'], undefined, 'a user name, as there is a passwordFile');
  }
  for (const [has, lacks] of [
    ['certFile', 'keyFile'],
    ['keyFile', 'certFile'],
  ] as const) {
    if (broker[has] !== undefined && broker[lacks] === undefined) {
      report.error('CW-CFG-005', ['broker', lacks], undefined, `a file, as there is a ${has}`);
    }
  }
}

function checkPattern(key: string, pattern: string | undefined, report: Report): void {
  if (pattern === undefined) return;
  try {
    new RegExp(pattern, 'u');
  } catch {
    report.error('CW-CFG-007', ['session', key], pattern, 'a regular expression');
  }
}
