import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest from 'ava';
import fc from 'fast-check';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { EngineDevice } from '#test/support/engine-device.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { place, telling, temporaryFolder, until } from './support/bench-device.ts';
import { StoreModel } from './support/store-model.ts';

const test = needs(anyTest, 'mosquitto');

const own = `cw/1/${place.store}/${place.device}`;
const bytes = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((array): Buffer<ArrayBufferLike> => Buffer.from(array));
const messageId = fc.integer({ min: 1, max: 65_535 });
const topic = fc.constantFrom(
  ...[`${own}/ack`, `${own}/state`, `${own}/request/tare`, 'cw/1/lab/_store/keys', '', '/', '#', '+/\u0000'],
);

/** What a broker may send, in its place or out of it. */
const packet: fc.Arbitrary<Packet> = fc.oneof(
  fc.record({
    ...{ cmd: fc.constant('publish' as const), topic, payload: bytes(200), messageId },
    ...{ qos: fc.constantFrom(0 as const, 1 as const, 2 as const), dup: fc.boolean(), retain: fc.boolean() },
  }),
  fc.record({
    cmd: fc.constantFrom(...(['pubrec', 'pubrel', 'pubcomp', 'unsuback'] as const)),
    messageId,
  }) as fc.Arbitrary<Packet>,
  fc.record({
    ...{ cmd: fc.constant('suback' as const), messageId },
    granted: fc.array(fc.constantFrom(0, 1, 2, 0x80), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    ...{ cmd: fc.constant('connack' as const), sessionPresent: fc.boolean() },
    ...{ returnCode: fc.constantFrom(0, 1, 3, 5), reasonCode: fc.constantFrom(0, 0x84, 0x8e, 0x97) },
  }),
  fc.constantFrom<Packet>(
    { cmd: 'pingresp' },
    { cmd: 'pingreq' },
    { cmd: 'disconnect', reasonCode: 0x8e },
    { cmd: 'connect', clientId: 'x', protocolVersion: 4, clean: true },
    { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 1 }] },
  ),
);

function generate(version: 4 | 5, value: Packet): Buffer {
  try {
    return mqttPacket.generate(value, { protocolVersion: version });
  } catch {
    // Not even the library's own writer makes it: what the reader says to noise is tried elsewhere.
    return Buffer.from([0xf0, 0x00]);
  }
}

/** A stretch of what comes over the wire: a packet, one with a byte changed, one cut short, an endless length, noise. */
const stretch = (version: 4 | 5): fc.Arbitrary<Buffer> => {
  const whole = packet.map((value) => generate(version, value));
  return fc.oneof(
    { weight: 4, arbitrary: whole },
    {
      weight: 3,
      arbitrary: fc.tuple(whole, fc.nat(), fc.nat(255)).map(([buffer, at, value]) => {
        buffer[at % buffer.length] = value;
        return buffer;
      }),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(whole, fc.nat()).map(([buffer, at]) => buffer.subarray(0, at % buffer.length)),
    },
    { weight: 1, arbitrary: fc.constant(Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f, 0x00, 0x03])) },
    { weight: 2, arbitrary: bytes(60) },
  );
};

const connack = { 4: Buffer.from([0x20, 2, 0, 0]), 5: Buffer.from([0x20, 3, 0, 0, 0]) };

for (const version of [4, 5] as const) {
  test(`whatever a broker sends over MQTT ${version === 4 ? '3.1.1' : '5'}, the link survives it and goes on with the next one`, async (t) => {
    const broker = await startMosquitto();
    t.teardown(() => broker.remove());
    let serve: (socket: Socket) => void = (socket) => socket.destroy();
    const server = createServer((socket) => {
      socket.on('error', () => {});
      serve(socket);
    });
    t.teardown(() => server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const timing = { reconnectFirstMs: 1, reconnectMaxMs: 3 };
    const protocol = version === 4 ? '3.1.1' : '5';
    const folder = await temporaryFolder(t);
    const device = new EngineDevice({
      ...{ ...place, folder, broker: { url, protocol, ...timing }, seed: 1 },
      // A broker that says "taken over" often enough is left alone for minutes, as is right.
      limits: { standBackMs: 0 },
    });
    t.teardown(() => device.stop(100));
    device.connect();

    const input = fc.record({
      early: fc.boolean(),
      parts: fc.array(stretch(version), { minLength: 1, maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(input, async ({ early, parts }) => {
        const { promise: dialled, resolve } = Promise.withResolvers<Socket>();
        serve = resolve;
        const socket = await dialled;
        await once(socket, 'data');
        if (!early) socket.write(connack[version]);
        for (const part of parts) if (!socket.destroyed) socket.write(part);
        // What is wrong enough ends the connection; the rest does not.
        await Promise.race([once(socket, 'close').catch(() => {}), sleep(5)]);
        serve = (another) => another.destroy();
        socket.destroy();
      }),
      { numRuns: 100, seed: 20261124 },
    );

    const store = await StoreModel.open(t, broker.url, place, false);
    serve = (socket) => {
      const far = connect({ host: '127.0.0.1', port: broker.port });
      far.on('error', () => {});
      socket.pipe(far).pipe(socket);
    };
    for (let i = 0; i < 20; i++) await device.store(telling('gateway.born'), i);
    await until(
      () => store.through === 20 && device.status.outboxEvents === 0,
      'a good broker gets everything',
    );
    t.deepEqual([...store.byId.keys()], device.ids);
    t.is(device.status.dropped, 0);
    t.log(`${device.status.connection} connections; told: ${[...new Set(device.faults)].sort().join(', ')}`);
  });
}
