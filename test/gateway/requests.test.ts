import test from 'ava';
import fc from 'fast-check';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { CommandDesk, type Handler } from '#commands/desk.ts';
import type { Infer } from '#events/fields.ts';
import { requestPayload, responsePayload } from '#events/mqtt-payloads.ts';
import { answerRequest, type RequestPort } from '#gateway/requests.ts';
import { KeyRing } from '#identity/key-ring.ts';
import { decodePayload, encodePayload } from '#uplink/payloads.ts';

interface Published {
  readonly topic: string;
  readonly bytes: Uint8Array;
  readonly answer: Infer<typeof responsePayload>;
}

function portWith(handler: Handler, encoding: 'cbor' | 'json' = 'cbor') {
  const clock = new VirtualClock(5_000_000);
  const published: Published[] = [];
  const unreadable: string[] = [];
  const port: RequestPort = {
    desk: new CommandDesk({
      handlers: new Map([['test.echo', handler]]),
      clock,
      clockTrusted: () => true,
      remembered: new Map(),
      remember: () => Promise.resolve(),
      forget: () => Promise.resolve(),
    }),
    log: silentLogger,
    encoding,
    keys: new KeyRing(),
    topic: (command) => `cw/1/test-store/cart-0001/request/${command.replaceAll('.', '/')}`,
    nowMs: () => clock.utcMs(),
    publish: (topic, bytes) =>
      published.push({ topic, bytes, answer: decodePayload(responsePayload, bytes) }),
    onUnreadable: (command, { code }) => unreadable.push(`${command} ${code}`),
  };
  const now = clock.utcMs();
  const request = { transaction: 't1', issued: now, expires: now + 1000, args: { hello: 'cart' } };
  const ask = async (payload: Uint8Array, command = 'test.echo') => {
    await answerRequest(port, command, payload, false);
    return published.at(-1);
  };
  return { ask, request, published, unreadable };
}

const echo: Handler = (args) => ({ heard: args.hello as string });

test('A request in CBOR is answered as configured, one in JSON in JSON', async (t) => {
  for (const encoding of ['cbor', 'json'] as const) {
    const { ask, request } = portWith(echo, encoding);
    for (const asked of ['cbor', 'json'] as const) {
      const got = await ask(encodePayload(requestPayload, { ...request, transaction: asked }, asked));
      t.is(got?.topic, 'response/test/echo');
      t.deepEqual(got?.answer, { transaction: asked, status: 'done', data: { heard: 'cart' } });
      t.is(got?.bytes[0] === 0x7b, asked === 'json' || encoding === 'json');
    }
  }
});

test('What is neither CBOR nor JSON is answered with a refusal and told', async (t) => {
  const { ask, unreadable } = portWith(echo);
  for (const payload of [
    new Uint8Array(0),
    Uint8Array.of(0xff, 0x00),
    Buffer.from('{"transaction":'),
    Buffer.from('{"transaction":"t","issued":0}'),
    Buffer.from('{"transaction":7,"issued":0,"expires":1}'),
    Buffer.from(`{"a":${'['.repeat(20_000)}`),
  ]) {
    const got = await ask(payload);
    t.is(got?.answer.status, 'refused');
    t.is(got?.answer.code, 'CW-CMD-001');
    t.is(got?.answer.transaction, '');
  }
  t.deepEqual(new Set(unreadable), new Set(['test.echo CW-CMD-001']));
});

test('Any bytes get exactly one answer', async (t) => {
  const { ask, published } = portWith(echo);
  let asked = 0;
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (payload) => {
      asked += 1;
      const got = await ask(payload);
      if (got?.answer.status !== 'refused') throw new Error('carried out');
    }),
    { numRuns: 300, seed: 11 },
  );
  t.is(published.length, asked);
});

test('A request of more than 64 KiB is refused unread', async (t) => {
  const { ask, request } = portWith(echo);
  const args = { hello: 'x'.repeat(64 * 1024) };
  const got = await ask(encodePayload(requestPayload, { ...request, args }, 'json'));
  t.is(got?.answer.code, 'CW-CMD-001');
  t.regex(got?.answer.message ?? '', /^the request has 65\d{3} bytes, 65536 at most$/);
});

test('An answer that messages cannot hold is a refusal of that transaction', async (t) => {
  const { ask, request } = portWith(() => ({ ratio: 0.5 }));
  const got = await ask(encodePayload(requestPayload, request, 'cbor'));
  t.is(got?.answer.code, 'CW-CMD-009');
  t.is(got?.answer.transaction, 't1');
});

test('A command nobody has is answered on its own topic', async (t) => {
  const { ask, request } = portWith(echo);
  const got = await ask(encodePayload(requestPayload, request, 'cbor'), 'door.open');
  t.is(got?.topic, 'response/door/open');
  t.is(got?.answer.code, 'CW-CMD-002');
});
