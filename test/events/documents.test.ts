import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { Parser } from '@asyncapi/parser';
import test from 'ava';
import { parse } from 'yaml';
import { checkRequest } from '#commands/messages.ts';
import { eventTypes } from '#events/catalog.ts';
import { isKnownType } from '#events/codec.ts';
import { requestPayload } from '#events/mqtt-payloads.ts';
import { calibrationHandlers } from '#gateway/calibration-handlers.ts';
import { makeHandlers } from '#gateway/handlers.ts';
import { machineHandlers } from '#gateway/machine-handlers.ts';
import { updateHandlers } from '#gateway/update-handlers.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { commands } from '../../scripts/docs/commands.ts';
import { edgeVectors, eventVectors, readDocument } from './vectors.ts';

test('the AsyncAPI description is valid and has every topic of the contract', async (t) => {
  const { document, diagnostics } = await new Parser().parse(await readDocument('asyncapi.yaml'));
  const serious = diagnostics.filter(({ severity }) => severity <= 1);
  t.deepEqual(
    serious.map(({ message, path }) => `${path.join('.')}: ${message}`),
    [],
  );
  const below = 'cw/1/{store}/';
  const addresses = new Set(
    document
      ?.channels()
      .all()
      .map((channel) => channel.address()),
  );
  const expected = [
    ...['state', 'health', 'basket', 'live/weight', 'live/counts', 'ack'].map((topic) => `{device}/${topic}`),
    ...Object.keys(eventTypes).map((type) => `{device}/event/${type.replaceAll('.', '/')}`),
    ...commands.flatMap(({ name }) =>
      ['request', 'response'].map((side) => `{device}/${side}/${name.replaceAll('.', '/')}`),
    ),
    ...['catalogue', 'planogram/{device}', 'gallery'].flatMap((topic) => [
      `_store/${topic}`,
      `_store/${topic}/{part}`,
    ]),
    ...['release', 'offers', 'keys'].map((topic) => `_store/${topic}`),
    ...['say', 'heard', 'basket'].map((topic) => `{device}/phone/{channel}/${topic}`),
  ];
  t.deepEqual([...addresses].sort(), expected.map((topic) => below + topic).sort());
});

interface Validator {
  (value: unknown): boolean;
  readonly errors?: readonly unknown[] | null;
}
interface Ajv {
  addSchema(schema: object, id: string): void;
  compile(schema: object): Validator;
}
// The validator that the AsyncAPI parser itself brings along.
const { default: AjvClass } = createRequire(import.meta.resolve('@asyncapi/parser'))('ajv') as {
  default: new (options: object) => Ajv;
};

test('the schemas of the AsyncAPI description fit the JSON view of every vector', async (t) => {
  const description = parse(await readDocument('asyncapi.yaml'), { maxAliasCount: -1 }) as {
    components: { messages: Record<string, { payload: object; examples: { payload: object }[] }> };
  };
  const ajv = new AjvClass({ strict: false, validateFormats: false });
  ajv.addSchema(description, 'asyncapi');
  const schemaOf = (message: string) =>
    ajv.compile({ $ref: `asyncapi#/components/messages/${message}/payload` });
  const messageOf = (type: string) =>
    type.replace(/[.-]([a-z])/g, (_, letter: string) => letter.toUpperCase());
  for (const { name, json } of [...eventVectors, ...edgeVectors]) {
    const { type } = json as { type: string };
    if (!isKnownType(type)) continue;
    const validate = schemaOf(messageOf(type));
    t.true(validate(json), `${name}: ${JSON.stringify(validate.errors)}`);
    t.false(validate({ ...(json as object), data: [] }), name);
    t.false(validate({ ...(json as object), sequence: '1' }), name);
  }
  for (const [message, { examples }] of Object.entries(description.components.messages)) {
    t.true(examples.length > 0, message);
    for (const { payload } of examples) t.true(schemaOf(message)(payload), message);
  }
});

test('the documented commands are those that the gateway answers', (t) => {
  const calibration = calibrationHandlers({} as Parameters<typeof calibrationHandlers>[0]);
  const machine = machineHandlers({} as Parameters<typeof machineHandlers>[0]);
  const updates = updateHandlers({} as Parameters<typeof updateHandlers>[0], async () => {});
  const targets = { calibration, machine, updates } as Parameters<typeof makeHandlers>[0];
  t.deepEqual([...makeHandlers(targets).keys()].sort(), commands.map(({ name }) => name).sort());
});

test('the command that is shown for the shell makes a request that is valid when it is typed', async (t) => {
  const block = /```sh\n(mosquitto_pub [\s\S]+?)\n```/.exec(await readDocument('mqtt.md'))?.[1] ?? '';
  const before = Date.now();
  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    `mosquitto_pub() { printf '%s\\n' "$@"; }\n${block}`,
  ]);
  const words = stdout.trimEnd().split('\n');
  t.is(words[words.indexOf('-t') + 1], 'cw/1/demo-store/cart-0001/request/live/start');
  const payload = Buffer.from(words[words.indexOf('-m') + 1] ?? '');
  const request = checkRequest(decodePayload(requestPayload, payload));
  t.true(Math.abs(request.issued - before) < 60_000);
  t.true(request.expires >= request.issued + 59_000 && request.expires <= request.issued + 61_000);
  const answer = await makeHandlers({
    live: { start() {} },
    calibration: [],
    machine: [],
    updates: [],
  } as unknown as Parameters<typeof makeHandlers>[0]).get('live.start')?.(request.args, {} as never);
  t.deepEqual(answer, { what: 'weight', seconds: 5, topic: 'live/weight' });
});
