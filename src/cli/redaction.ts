import { redacted } from '#gateway/inspection.ts';

/** A private key as a PEM file has it, whole or cut off. */
const pemKey = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g;
/** User and password in an address. */
const login = /([a-z][a-z0-9+.-]*:\/\/)[^/@\s"']+@/gi;
/** `password=…`, `"token": "…"`, `psk …`: what follows the name. */
const named =
  /(\b[\w-]*(?:password|passwd|passphrase|secret|token|psk|authorization|cookie|claim)["']?\s*[=:]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|(?:bearer |basic )?[^\s,;}"']+)/gi;
/** A one-time claim (identity/claim.ts): six groups of four. */
const claim = /\b(?:[0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}\b/gi;
/** What is too short to be looked for: it would blank out words. */
const shortestSecret = 6;

/** Values that are known to be secret, as they may be quoted: every line of what a file of secrets holds. */
export function secretsOf(texts: readonly string[]): readonly string[] {
  const lines = texts.flatMap((text) => text.split(/\r?\n/)).map((line) => line.trim());
  const real = lines.filter((line) => line.length >= shortestSecret && !line.startsWith('-----'));
  return [...new Set(real)].sort((a, b) => b.length - a.length);
}

/** A text in which no known secret stands, and nothing that has the form of one. */
export function redactText(text: string, secrets: readonly string[]): string {
  let shown = text;
  for (const secret of secrets) shown = shown.replaceAll(secret, redacted);
  return shown
    .replace(pemKey, redacted)
    .replace(login, `$1${redacted}@`)
    .replace(named, `$1${redacted}`)
    .replace(claim, redacted);
}

/** The same for every text in a value, names of its parts included. */
export function redactAll(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return redactText(value, secrets);
  if (Array.isArray(value)) return value.map((inner) => redactAll(inner, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [redactText(name, secrets), redactAll(inner, secrets)]),
  );
}
