import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createSystemPorts, openDevice } from '#drivers/registry.ts';
import type { ByteScalePeer } from '#drivers/virtual/peers/byte-scale-peer.ts';
import { CasContinuousPeer, CasRequestPeer } from '#drivers/virtual/peers/cas.ts';
import { MtSicsPeer } from '#drivers/virtual/peers/mt-sics.ts';
import { ScaleModel } from '#drivers/virtual/peers/scale-model.ts';
import { Scp01Peer } from '#drivers/virtual/peers/scp-01.ts';
import { Toledo8217Peer } from '#drivers/virtual/peers/toledo-8217.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { ScaleReading } from '#readings/readings.ts';

/** A simulated scale behind a serial server: a TCP port on loopback. */
async function serve(peer: ByteScalePeer) {
  const server = createServer({ noDelay: true }, (socket) => {
    peer.opened({ send: (bytes) => void socket.write(bytes) });
    socket.on('data', (bytes) => peer.received(bytes));
    socket.on('error', () => {});
    socket.on('close', () => peer.closed());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

const model = () => new ScaleModel('kg', 3);
const scales: readonly [driver: string, options: object, peer: ByteScalePeer][] = [
  ['toledo-8217', { unit: 'kg' }, new Toledo8217Peer(systemClock, model(), '8217')],
  ['scp-01', {}, new Scp01Peer(systemClock, model(), 'NCI')],
  ['cas', {}, new CasRequestPeer(systemClock, model(), 'CAS')],
  ['cas', { mode: 'continuous' }, new CasContinuousPeer(systemClock, model(), 'CAS')],
  ['mt-sics', {}, new MtSicsPeer(systemClock, model(), 'SICS')],
  ['mt-sics', { mode: 'continuous' }, new MtSicsPeer(systemClock, model(), 'SICS')],
];

for (const [driver, options, peer] of scales) {
  test(`${driver} ${JSON.stringify(options)} reads a scale behind a serial server`, async (t) => {
    peer.model.loadMg = 415_000;
    const { server, port } = await serve(peer);
    t.teardown(() => server.close());
    const log = silentLogger;
    const ports = createSystemPorts({ clock: systemClock, log, buses: new Map() });
    const context = { id: 'deli-scale', clock: systemClock, log, buses: new Map(), ports };
    const entry = { id: 'deli-scale', driver, options: { ...options, tcp: { host: '127.0.0.1', port } } };
    const device = await openDevice(entry, context);
    t.teardown(() => device.stop());
    const readings: ScaleReading[] = [];
    const faults: DeviceFault[] = [];
    device.faults.subscribe((fault) => faults.push(fault));
    await device.start((reading) => {
      if (reading.kind === 'scale') readings.push(reading);
    });
    for (let turn = 0; turn < 500 && readings.length < 3; turn++) await sleep(20);
    t.deepEqual(
      readings.slice(0, 3).map(({ massMg, stable }) => [massMg, stable]),
      [
        [415_000, true],
        [415_000, true],
        [415_000, true],
      ],
    );
    await device.stop();
    await device.stop();
    t.deepEqual(faults, []);
  });
}
