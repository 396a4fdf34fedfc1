import test from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { Driver } from '#drivers/driver.ts';
import { cas } from '#drivers/scale/cas.ts';
import { mtSics } from '#drivers/scale/mt-sics.ts';
import { scp01 } from '#drivers/scale/scp-01.ts';
import { toledo8217 } from '#drivers/scale/toledo-8217.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { CasRequestPeer } from '#drivers/virtual/peers/cas.ts';
import { ScaleModel } from '#drivers/virtual/peers/scale-model.ts';

const line = { serial: { path: '/dev/serial/by-id/usb-scale' } };

const badOptions: readonly [
  string,
  {
    readonly options: unknown;
    readonly driver: { readonly options: { safeParse(given: unknown): { readonly success: boolean } } };
  },
][] = [
  ['no way to the scale', { driver: scp01, options: {} }],
  ['two ways to the scale', { driver: scp01, options: { ...line, tcp: { host: 'scale', port: 4001 } } }],
  ['8217 without its unit', { driver: toledo8217, options: line }],
  ['a misspelt key', { driver: cas, options: { ...line, baud: 9_600 } }],
  ['a parity that is none', { driver: mtSics, options: { ...line, parity: 'mark' } }],
];
for (const [what, { driver, options }] of badOptions) {
  test(`options are refused: ${what}`, (t) => {
    t.false(driver.options.safeParse(options).success);
  });
}

/** What port a driver asks for. */
async function requestOf<Options>(driver: Driver<Options>, options: object): Promise<unknown> {
  const parsed = driver.options.safeParse({ ...line, ...options });
  if (!parsed.success) throw new Error(parsed.error.message);
  const clock = new VirtualClock();
  const ports = new PeerPorts(clock, { bytes: new CasRequestPeer(clock, new ScaleModel(), 'any') });
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const bytes = ports.bytes.bind(ports);
  ports.bytes = (request) => {
    resolve(request);
    return bytes(request);
  };
  await driver.open(parsed.data, { id: 'x', clock, ports, buses: new Map(), log: silentLogger });
  return promise;
}

test('the line is set as the protocol usually comes', async (t) => {
  const common = { baudRate: 9_600, stopBits: 1, flowControl: 'none' };
  const match = { path: '/dev/serial/by-id/usb-scale' };
  const eight = { via: 'serial', match, settings: { ...common, dataBits: 8, parity: 'none' } };
  const seven = { via: 'serial', match, settings: { ...common, dataBits: 7, parity: 'even' } };
  t.deepEqual(await requestOf(toledo8217, { unit: 'kg' }), seven);
  t.deepEqual(await requestOf(scp01, {}), eight);
  t.deepEqual(await requestOf(mtSics, {}), eight);
  t.deepEqual(await requestOf(cas, {}), eight);
  const elsewhere = { serial: undefined };
  t.deepEqual(await requestOf(cas, { ...elsewhere, bus: 'bridge' }), { via: 'bus', bus: 'bridge' });
  const tcp = { host: 'scale', port: 4001 };
  t.deepEqual(await requestOf(cas, { ...elsewhere, tcp }), { via: 'tcp', ...tcp });
});
