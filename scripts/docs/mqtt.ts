import { eventTypes } from '#events/catalog.ts';
import { otherPayloads } from '#events/cddl.ts';
import { envelope } from '#events/event.ts';
import type { Field, FieldTable, Shape } from '#events/fields.ts';
import { commands } from './commands.ts';
import { topics } from './topics.ts';

const cell = (text: string) => text.replaceAll('|', '\\|');
const row = (...cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [row(...head), `|${'---|'.repeat(head.length)}`, ...rows.map((cells) => row(...cells))].join('\n');

const typeNames = {
  int: 'integer',
  text: 'text',
  uuid: 'UUID',
  bytes: 'bytes',
  bool: 'boolean',
  map: 'map',
} as const;

function typeName(shape: Shape): string {
  switch (shape.shape) {
    case 'hex':
      return `${shape.bytes} bytes (hex)`;
    case 'choice':
      return shape.values.map((value) => `\`${value}\``).join(', ');
    case 'array':
      return `list of ${typeName(shape.item)}`;
    case 'record':
      return `\`${shape.name}\``;
    case 'int':
    case 'text':
    case 'uuid':
    case 'bytes':
    case 'bool':
    case 'map':
      return typeNames[shape.shape];
  }
}

function fields(of: FieldTable): string {
  const entries: [string, Field][] = Object.entries(of);
  return table(
    ['key', 'field', 'type', 'what'],
    entries
      .sort(([, a], [, b]) => a.key - b.key)
      .map(([name, field]) => [
        String(field.key),
        `\`${name}\`${field.optional ? '?' : ''}`,
        typeName(field.of),
        field.doc,
      ]),
  );
}

const usage = `# MQTT reference

<!-- Made from the event contract's tables by \`npm run docs\` (scripts/docs/mqtt.ts). Edit those. -->

For whoever connects a store, a till or a tool to Cartwright's carts and shelves. The same in machine-readable form:
[asyncapi.yaml](asyncapi.yaml) (topics), [events.cddl](events.cddl) (bytes, the authority) and [vectors/](vectors/)
(test vectors: hexadecimal, JSON and CloudEvents of every event, odd ones, and malformed ones with their error codes).

All topics begin with \`cw/1/{store}/{device}/\`; names are made of \`a-z\`, \`0-9\` and \`-\`. A dot in the name of an event
type or command is a slash in its topic: \`item.added\` travels on \`event/item/added\`. MQTT 5 and 3.1.1 both do.

## Payloads

CBOR maps with integer keys, deterministically encoded (RFC 8949, section 4.2), or, with \`encoding: json\` in the
device's configuration, their JSON view. Devices read both. In CBOR and JSON alike:

- Numbers are integers within ±(2^53 − 1), never floats; the unit is in the name (\`massMg\`, \`atUs\`, \`priceMinor\`).
  A JavaScript CBOR library may write large numbers as floats, which are refused: give it BigInt.
- Newer versions add keys, event types and values of lists, and never change the meaning of what is there. Ignore, or
  carry along, what you don't know. In JSON an unknown key N is named \`"~N"\`, text keys that begin with \`~\` get
  a second one, and bytes are \`{"~b64": "…"}\`. UUIDs and hexadecimal fields are byte strings in CBOR, text in JSON.
- Events are refused unless encoded deterministically. What you send (requests, \`ack\`) may have its keys in any order.
- A payload has at most 262,144 bytes; a request at most 65,536.

## Receiving every event exactly once

Subscribe to \`cw/1/{store}/+/event/#\` with a persistent session and QoS 1, and store an event before you acknowledge it.
\`sequence\` grows by one per event within a \`ledger\`, across restarts of the device; \`id\` follows from store, device,
ledger and sequence. Drop what you have already (same \`id\`); a gap closes when the device sends again, or is explained
by an \`outbox.dropped\` event, whose range counts as received. An \`ack\` tells the device what is safe: without one it
forgets an event when the broker has it.`;

const requests = `## Commands

Publish on \`request/…\` with QoS 1, not retained; the answer comes on \`response/…\` with the same \`transaction\`.
\`expires\` lies at most 24 h after \`issued\`. A transaction is carried out once: sent again, it is answered again, and with
other arguments refused. A refusal carries a code ([errors.md](errors.md)) and a sentence for people.

\`\`\`sh
mosquitto_pub -q 1 -t cw/1/demo/cart-1/request/session/begin \\
  -m '{"transaction":"t-1","issued":1795342800000,"expires":1795342860000,"args":{"token":"QR-77"}}'
\`\`\``;

/** docs/mqtt.md: topics, payloads and commands for integrators. */
export function renderMqttReference(): string {
  const topicRows = topics.map(({ address, from, qos, retain, payload, summary }) => [
    `\`${address.replace('{device}/', '')}\``,
    from,
    `${qos}${retain ? ', retained' : ''}`,
    `\`${payload.name}\``,
    summary,
  ]);
  const commandRows = commands.map(({ name, args, answer, summary }) => [
    `\`${name}\``,
    summary,
    Object.entries(args)
      .map(([argument, what]) => `\`${argument}\`: ${what}`)
      .join('; ') || 'none',
    answer,
  ]);
  const eventRows = Object.entries(eventTypes).map(([type, { data, class: kind }]) => [
    `\`${type}\``,
    kind,
    `\`${data.name}\``,
  ]);
  return `${[
    usage,
    '## Topics',
    table(
      ['topic', 'from', 'QoS', 'payload', 'what'],
      [
        ...topicRows,
        ['`event/…`', 'device', '1', '`event`', 'One topic an event type.'],
        ['`request/…`', 'anybody allowed to', '1', '`request`', 'One topic a command.'],
        ['`response/…`', 'device', '1', '`response`', 'The answer.'],
      ],
    ),
    'Topics with `_store` in place of the device are for all devices of the store.',
    requests,
    table(['command', 'what', '`args`', '`data`'], commandRows),
    '## Events',
    'Every event has this envelope; `data` depends on the type and is described in [events.cddl](events.cddl).',
    fields(envelope.fields),
    table(['type', 'class', '`data`'], eventRows),
    '## Other payloads',
    ...otherPayloads.map((shape) => `### ${shape.name}\n\n${fields(shape.fields)}`),
  ].join('\n\n')}\n`;
}
