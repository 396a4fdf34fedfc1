import { stringify } from 'yaml';
import { eventTypes } from '#events/catalog.ts';
import { eventMediaType } from '#events/codec.ts';
import { envelope } from '#events/event.ts';
import type { RecordShape } from '#events/fields.ts';
import { commands } from './commands.ts';
import { type JsonSchema, recordSchema, tableSchema } from './json-schema.ts';
import { requestDoc, responseDoc, topics } from './topics.ts';
import { examples } from './vectors.ts';

const introduction = `What Cartwright's carts and shelves say and understand over MQTT, seen from the device.
Payloads are CBOR with integer keys (docs/events.cddl is the authority; the keys are given here as x-cbor-key) or, with
the setting \`encoding: json\`, the JSON described here. In CBOR, UUIDs and hexadecimal fields are byte strings.
Values listed as examples may be joined by others in newer versions.`;

interface Parts {
  readonly channels: Record<string, unknown>;
  readonly operations: Record<string, unknown>;
  readonly messages: Record<string, unknown>;
  readonly schemas: Map<string, JsonSchema>;
  /** JSON views by event type or name of the record. */
  readonly examples: ReadonlyMap<string, object>;
}

interface Channel {
  readonly id: string;
  readonly address: string;
  readonly action: 'send' | 'receive';
  readonly summary: string;
  readonly payload: JsonSchema;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly contentType?: string;
  /** Whose example it is: an event type or the name of a record. */
  readonly of: string;
}

/** docs/asyncapi.yaml: all topics, as AsyncAPI 3. */
export function renderAsyncApi(): string {
  const parts: Parts = {
    channels: {},
    operations: {},
    messages: {},
    schemas: new Map(),
    examples: examples(),
  };
  for (const { id, address, from, payload, ...topic } of topics) {
    const action = from === 'device' ? 'send' : 'receive';
    add(parts, {
      id,
      address,
      action,
      ...(payload === 'bytes'
        ? {
            payload: { type: 'string', format: 'binary' },
            of: payload,
            contentType: 'application/octet-stream',
          }
        : { payload: recordSchema(payload, parts.schemas), of: payload.name }),
      ...topic,
    });
  }
  parts.schemas.set('envelope', {
    ...tableSchema(envelope.fields, parts.schemas),
    additionalProperties: true,
  });
  for (const [type, { data, class: kind }] of Object.entries(eventTypes)) addEvent(parts, type, data, kind);
  for (const { name, summary } of commands) addCommand(parts, name, summary);
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Cartwright',
      version: '1.0.0',
      description: introduction,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/cbor',
    servers: {
      store: {
        host: '{host}',
        protocol: 'mqtt',
        description: "The store's broker; MQTT 5 where it has it, 3.1.1 otherwise.",
        variables: { host: { default: 'localhost:1883', description: 'Name and port of the broker.' } },
      },
    },
    channels: parts.channels,
    operations: parts.operations,
    components: {
      messages: parts.messages,
      schemas: Object.fromEntries([...parts.schemas].sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
  const header = "# Made from the event contract's tables by 'npm run docs'; do not edit.\n";
  return header + stringify(document, { lineWidth: 110, aliasDuplicateObjects: false });
}

const camel = (dotted: string) => dotted.replace(/[.-]([a-z])/g, (_, letter: string) => letter.toUpperCase());
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const levels = (dotted: string) => dotted.replaceAll('.', '/');

const kinds = {
  ledger: 'part of the ledger: never dropped before other events',
  evidence: 'evidence, dropped before the ledger when the outbox is full',
  telemetry: 'telemetry, dropped first when the outbox is full',
} as const;

function addEvent(parts: Parts, type: string, data: RecordShape, kind: keyof typeof kinds): void {
  const payload = {
    allOf: [
      { $ref: '#/components/schemas/envelope' },
      {
        type: 'object',
        required: ['data'],
        properties: { type: { const: type }, data: recordSchema(data, parts.schemas) },
      },
    ],
  };
  add(parts, {
    id: camel(type),
    address: `{device}/event/${levels(type)}`,
    action: 'send',
    summary: `Event ${type}; ${kinds[kind]}.`,
    payload,
    qos: 1,
    retain: false,
    contentType: eventMediaType,
    of: type,
  });
}

function addCommand(parts: Parts, name: string, summary: string): void {
  const { schemas } = parts;
  const request = {
    payload: recordSchema(requestDoc.payload, schemas),
    qos: requestDoc.qos,
    retain: requestDoc.retain,
  };
  const response = {
    payload: recordSchema(responseDoc.payload, schemas),
    qos: responseDoc.qos,
    retain: responseDoc.retain,
  };
  const id = camel(name);
  add(parts, {
    id: `${id}Response`,
    address: `{device}/response/${levels(name)}`,
    action: 'send',
    summary: `Answer to ${name}.`,
    of: responseDoc.payload.name,
    ...response,
  });
  add(
    parts,
    {
      id: `${id}Request`,
      address: `{device}/request/${levels(name)}`,
      action: 'receive',
      summary,
      of: requestDoc.payload.name,
      ...request,
    },
    {
      channel: { $ref: `#/channels/${id}Response` },
      messages: [{ $ref: `#/channels/${id}Response/messages/${id}Response` }],
    },
  );
}

function add(parts: Parts, channel: Channel, reply?: object): void {
  const { id, action, address, qos, retain } = channel;
  parts.messages[id] = {
    name: id,
    summary: channel.summary,
    ...(channel.contentType === undefined ? {} : { contentType: channel.contentType }),
    payload: channel.payload,
    examples: [{ payload: channel.of === 'bytes' ? 'CWGALLRY…' : parts.examples.get(channel.of) }],
  };
  const parameters = {
    store: { description: 'Name of the store: a-z, 0-9 and -.' },
    ...(address.includes('{device}')
      ? { device: { description: 'Name of the device: a-z, 0-9 and -.' } }
      : {}),
    ...(address.includes('{part}')
      ? { part: { description: 'Name of the part: what the manifest says, of a-z, 0-9 and -.' } }
      : {}),
    ...(address.includes('{channel}')
      ? { channel: { description: "Channel of the session's secret for phones: 32 hexadecimal digits." } }
      : {}),
  };
  parts.channels[id] = {
    address: `cw/1/{store}/${address}`,
    messages: { [id]: { $ref: `#/components/messages/${id}` } },
    parameters,
  };
  parts.operations[`${action}${capital(id)}`] = {
    action,
    channel: { $ref: `#/channels/${id}` },
    summary: channel.summary,
    messages: [{ $ref: `#/channels/${id}/messages/${id}` }],
    bindings: { mqtt: { qos, retain, bindingVersion: '0.2.0' } },
    ...(reply === undefined ? {} : { reply }),
  };
}
