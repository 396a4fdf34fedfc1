import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { MqttClient } from 'mqtt';
import { askDevice } from '#cli/call.ts';
import type { Request } from '#commands/messages.ts';
import { encodeRecord } from '#events/codec.ts';
import { requestPayload, responsePayload } from '#events/mqtt-payloads.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { devicePrefix, responseTopic } from '#uplink/topics.ts';

const device = { store: 's', device: 'd' };

/** A connection to a device that refuses what has expired, as every device does, and that hears only some requests. */
class Connection extends EventEmitter {
  readonly heard: Request[] = [];
  readonly #subscribingMs: number;
  #deaf: number;

  constructor(options: { readonly subscribingMs?: number; readonly deaf?: number }) {
    super();
    this.#subscribingMs = options.subscribingMs ?? 0;
    this.#deaf = options.deaf ?? 0;
  }

  async subscribeAsync(): Promise<void> {
    await sleep(this.#subscribingMs);
  }

  publish(_topic: string, payload: Uint8Array): void {
    if (this.#deaf-- > 0) return;
    const request = decodePayload(requestPayload, payload) as unknown as Request;
    this.heard.push(request);
    const { transaction } = request;
    const answer =
      request.expires < Date.now()
        ? { transaction, status: 'refused' as const, code: 'CW-CMD-003', message: 'expired' }
        : { transaction, status: 'done' as const, data: {} };
    this.emit(
      'message',
      `${devicePrefix(device)}/${responseTopic('session.begin')}`,
      Buffer.from(encodeRecord(responsePayload, answer)),
    );
  }
}

const ask = (connection: Connection, timeout: number) =>
  askDevice(connection as unknown as MqttClient, {
    ...device,
    command: 'session.begin',
    args: { token: 'QR-1' },
    timeout,
  });

test('a request is not old before it was sent, however long a busy broker takes to listen', async (t) => {
  t.like(await ask(new Connection({ subscribingMs: 700 }), 0.5), { status: 'done' });
});

test('a device that hears a request late carries it out while it is waited for', async (t) => {
  const connection = new Connection({ deaf: 1 });
  t.like(await ask(connection, 60), { status: 'done' });
  t.is(connection.heard.length, 1);
});

test('a request expires when nobody waits for its answer any more', async (t) => {
  const connection = new Connection({});
  await ask(connection, 7);
  const [request] = connection.heard;
  t.is((request?.expires ?? 0) - (request?.issued ?? 0), 7_000);
});
