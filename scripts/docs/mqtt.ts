import { eventTypes } from '#events/catalog.ts';
import { otherPayloads } from '#events/cddl.ts';
import { envelope } from '#events/event.ts';
import type { Field, FieldTable, Shape } from '#events/fields.ts';
import { commands } from './commands.ts';
import { commandNotes, idSection, phones, requests, usage } from './mqtt-text.ts';
import { payment } from './payment-text.ts';
import { signedSection } from './signing-text.ts';
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

/** docs/mqtt.md: topics, payloads and commands for integrators. */
export function renderMqttReference(): string {
  const topicRows = topics.map(({ address, from, qos, retain, payload, summary }) => [
    `\`${address.replace('{device}/', '')}\``,
    from,
    `${qos}${retain ? ', retained' : ''}`,
    payload === 'bytes' ? 'bytes' : `\`${payload.name}\``,
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
    idSection(),
    '## Topics',
    table(
      ['topic', 'from', 'QoS', 'payload', 'what'],
      [
        ...topicRows,
        ['`event/…`', 'device', '1', '`event`', 'One topic an event type.'],
        ['`request/…`', 'anybody allowed to', '1', '`request`, or signed', 'One topic a command.'],
        ['`response/…`', 'device', '1', '`response`', 'The answer.'],
      ],
    ),
    'Topics with `_store` in place of the device are for all devices of the store.',
    requests,
    table(['command', 'what', '`args`', '`data`'], commandRows),
    commandNotes,
    payment,
    signedSection(),
    phones,
    '## Events',
    'Every event has this envelope; `data` depends on the type and is described in [events.cddl](events.cddl).',
    fields(envelope.fields),
    table(['type', 'class', '`data`'], eventRows),
    '## Other payloads',
    ...otherPayloads.map((shape) => `### ${shape.name}\n\n${fields(shape.fields)}`),
  ].join('\n\n')}\n`;
}
