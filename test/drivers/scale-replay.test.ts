import test from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { parseRaw, type RawHeader } from '#drivers/ports/raw/format.ts';
import { playRaw } from '#drivers/ports/raw/play.ts';
import { recordPorts } from '#drivers/ports/raw/record.ts';
import { findDriver, openDevice } from '#drivers/registry.ts';
import { passTime } from '#drivers/virtual/benches.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { CasContinuousPeer, CasRequestPeer } from '#drivers/virtual/peers/cas.ts';
import { HidScalePeer } from '#drivers/virtual/peers/hid-scale.ts';
import { MtSicsPeer } from '#drivers/virtual/peers/mt-sics.ts';
import { ScaleModel } from '#drivers/virtual/peers/scale-model.ts';
import { Scp01Peer } from '#drivers/virtual/peers/scp-01.ts';
import { Toledo8217Peer } from '#drivers/virtual/peers/toledo-8217.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading } from '#readings/readings.ts';

const line = { serial: { path: '/dev/serial/by-id/usb-scale' } };
const model = new ScaleModel('kg', 3);
const kinds = [
  ['toledo-8217', { ...line, unit: 'kg' }, (clock: VirtualClock) => new Toledo8217Peer(clock, model, '8217')],
  ['scp-01', line, (clock: VirtualClock) => new Scp01Peer(clock, model, 'NCI')],
  ['cas', line, (clock: VirtualClock) => new CasRequestPeer(clock, model, 'CAS')],
  [
    'cas',
    { ...line, mode: 'continuous' },
    (clock: VirtualClock) => new CasContinuousPeer(clock, model, 'CAS'),
  ],
  ['mt-sics', line, (clock: VirtualClock) => new MtSicsPeer(clock, model, 'SICS')],
  ['hid-scale', {}, (clock: VirtualClock) => new HidScalePeer(clock, model)],
] as const;

for (const [name, options, makePeer] of kinds) {
  test.serial(
    `a recording of the very bytes of ${name} ${JSON.stringify(options)} gives the same readings and faults`,
    async (t) => {
      const clock = new VirtualClock(5_000_000);
      const header: RawHeader = { raw: 1, device: 'deli-scale', driver: name, options, originUs: 5_000_000 };
      const rows: string[] = [];
      const peer = makePeer(clock);
      // A line of 9600 baud and a scale that thinks.
      if ('latencyUs' in peer) peer.latencyUs = 37_000;
      const peers = new PeerPorts(clock, peer instanceof HidScalePeer ? { reports: peer } : { bytes: peer });
      const ports = recordPorts(header, clock, (row) => rows.push(row))(peers);
      const readings: Reading[] = [];
      const faults: DeviceFault[] = [];
      const context = { id: 'deli-scale', clock, log: silentLogger, buses: new Map(), ports };
      const device = await openDevice({ id: 'deli-scale', driver: name, options }, context);
      device.faults.subscribe((fault) => faults.push(fault));
      let started = false;
      void device
        .start((reading) => readings.push(reading))
        .then(() => {
          started = true;
        });
      while (!started) await passTime(clock, 1_000);
      for (const loadMg of [0, 415_000, 20_000_000, 1_250_000]) {
        model.loadMg = loadMg;
        await passTime(clock, 700_000);
      }
      await device.stop();
      t.true(readings.length > 10);
      t.true(faults.length >= 2);
      const again: Reading[] = [];
      const faultsAgain: DeviceFault[] = [];
      const listener = {
        reading: (reading: Reading) => void again.push(reading),
        fault: (fault: DeviceFault) => void faultsAgain.push(fault),
      };
      await playRaw(parseRaw(rows.join('\n'), 'recording'), await findDriver(name), listener, silentLogger);
      t.deepEqual(again, readings);
      t.deepEqual(faultsAgain, faults);
    },
  );
}
