import { commandRules } from '#commands/rules.ts';
import { signedCommandVector } from './signed.ts';

function rolesTable(): string {
  const byRoles = new Map<string, string[]>();
  for (const [command, { roles }] of Object.entries(commandRules)) {
    const key = roles.length === 0 ? 'nobody has to sign' : roles.map((role) => `\`${role}\``).join(', ');
    byRoles.set(key, [...(byRoles.get(key) ?? []), `\`${command}\``]);
  }
  const rows = [...byRoles].map(([roles, commands]) => `| ${roles} | ${commands.join(', ')} |`);
  return ['| keys of role | may sign |', '|---|---|', ...rows].join('\n');
}

const audited = Object.entries(commandRules)
  .filter(([, rule]) => rule.audited === true)
  .map(([command]) => `\`${command}\``)
  .join(', ');

/** What docs/mqtt.md says of signed commands. */
export function signedSection(): string {
  const { topic, keyId, protectedHeader, payload, signature, message } = signedCommandVector;
  return `## Signed commands

Where the broker is not on loopback, or \`commands.signed\` is \`always\`, a device takes commands that change something only where a key
signed them that it knows and whose role allows the command. Others are refused with CW-CMD-010, which says what to do. On loopback
both kinds are taken, and a signature that is there has to hold. The cart's own display needs none. Setting it up, step by step:
[keys.md](keys.md).

${rolesTable()}

A signed command is published on the same topic: a COSE_Sign1 (RFC 9052) in place of the request, always in CBOR, and encoded in one way only.

1. Write the \`request\` as deterministic CBOR (keys in order, shortest heads). That is the payload.
2. The protected header is the map \`{1: algorithm, 4: key id}\`: algorithm −8 (EdDSA, Ed25519; −19 means the same) or −7 (ES256, P-256; −9
   means the same); the key id is the first 16 bytes of the SHA-256 over the public key (SubjectPublicKeyInfo, DER).
3. Sign the CBOR of \`["Signature1", protected header, topic, payload]\`: all but the first are byte strings, the topic is the full one in UTF-8
   (\`external_aad\`), so that a command for one device is none for another. The signature has 64 bytes (ES256: r ‖ s).
4. Publish tag 18 and \`[protected header, {}, payload, signature]\`. The first byte is 0xd2.

- \`by\` has to say what the key says: its role, and its number where it has one; or leave it out, and the key's is taken. A \`store\` key may
  also speak for a \`shopper\`.
- The answer bears the \`key\` that signed, where its signature held. **Take a refusal of what you have signed as final only where \`key\` is
  yours**: anybody can send a bad copy of your request and have it refused.
- A transaction belongs to its key: sent by another one it is refused (CW-CMD-005).
- While the device's clock is unset (\`timeQuality\` of its health), it can't tell how old a command is. Ask for a nonce (\`gateway.nonce\`) and
  put it into the request; it serves once, for five minutes. Without one the command is refused with CW-CMD-013.

**Keys** come from the device's own file (\`commands.keysFile\`), or from the store: \`_store/keys\` holds a \`key-list\`, again as COSE_Sign1, signed by
the root key that \`commands.rootKeyFile\` names, with \`cw/1/{store}/_store/keys\` as \`external_aad\`. Its \`version\` only ever grows: an older list is
refused, also after a restart, and an empty message changes nothing. A list takes effect when it arrives (a file within a quarter of a minute), so a
key that is revoked in it signs nothing any more. Health tells in \`keys\` which version each device has.

**Audit log.** ${audited}, refusals of whoever may not command, and changes of keys go to a hash-chained log on the device. Each record is also told
as \`audit.recorded\` with its number and hash, which stands for everything before it: a store that keeps these can prove later that
nothing was changed or taken away. \`scripts/cartwright audit verify\` checks a log.

An example, with all steps in [vectors/signed.json](vectors/signed.json) (its key is public, so no device may know it):

\`\`\`
topic       ${topic}
key id      ${keyId}
protected   ${protectedHeader}
payload     ${payload}
signature   ${signature}
message     ${message}
\`\`\``;
}
