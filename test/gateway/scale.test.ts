import test from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createRandom } from '#base/random.ts';
import { findDriver } from '#drivers/registry.ts';
import { passTime } from '#drivers/virtual/benches.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { MtSicsPeer } from '#drivers/virtual/peers/mt-sics.ts';
import { ScaleModel } from '#drivers/virtual/peers/scale-model.ts';
import { DeviceSupervisor } from '#gateway/devices.ts';
import type { DeviceFault } from '#readings/faults.ts';

test('a scale that is switched off for half an hour is told once, and weighs again when it is back', async (t) => {
  const clock = new VirtualClock(1_000_000);
  const peer = new MtSicsPeer(clock, new ScaleModel('kg', 3), 'SICS');
  const ports = new PeerPorts(clock, { bytes: peer });
  const faults: DeviceFault[] = [];
  let readings = 0;
  const supervisor = new DeviceSupervisor({
    entries: [
      { id: 'deli-scale', driver: 'mt-sics', options: { serial: { path: '/dev/serial/by-id/usb-scale' } } },
    ],
    clock,
    log: silentLogger,
    random: createRandom(1),
    findDriver,
    tapPorts: () => ports,
    onReading: () => {
      readings += 1;
    },
    onFault: (_source, fault) => faults.push(fault),
  });
  let started = false;
  void supervisor.start().then(() => {
    started = true;
  });
  for (let turn = 0; !started && turn < 1_000; turn++) await passTime(clock, 10_000, 10_000);
  await passTime(clock, 2_000_000, 10_000);
  t.true(readings >= 8);
  peer.model.silent = true;
  await passTime(clock, 30 * 60_000_000, 50_000);
  t.deepEqual(
    faults.filter(({ cleared }) => cleared !== true).map(({ fault, code }) => `${fault} ${code}`),
    ['timing CW-DRV-008', 'disconnected CW-DRV-005', 'disconnected CW-DRV-008'],
    'it fell silent, was given up, and does not answer',
  );
  peer.model.silent = false;
  const before = readings;
  await passTime(clock, 15_000_000, 50_000);
  t.true(readings > before);
  t.is(supervisor.reports()[0]?.state, 'running');
  t.is(supervisor.reports()[0]?.identity.serial, 'B021002593');
  t.is(supervisor.reports()[0]?.fault, undefined);
  await supervisor.stop();
  t.is(ports.open, 0);
});
