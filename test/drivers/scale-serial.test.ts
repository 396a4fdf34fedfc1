import test from 'ava';
import { silentLogger } from '#base/log.ts';
import type { Driver } from '#drivers/driver.ts';
import { cas } from '#drivers/scale/cas.ts';
import { mtSics } from '#drivers/scale/mt-sics.ts';
import { scp01 } from '#drivers/scale/scp-01.ts';
import { toledo8217 } from '#drivers/scale/toledo-8217.ts';
import type { MakeBench } from '#drivers/virtual/bench.ts';
import { CasContinuousPeer, CasRequestPeer } from '#drivers/virtual/peers/cas.ts';
import { MtSicsPeer } from '#drivers/virtual/peers/mt-sics.ts';
import { byteScaleBench } from '#drivers/virtual/peers/scale-bench.ts';
import { ScaleModel } from '#drivers/virtual/peers/scale-model.ts';
import { Scp01Peer } from '#drivers/virtual/peers/scp-01.ts';
import { Toledo8217Peer } from '#drivers/virtual/peers/toledo-8217.ts';
import { verifyDriver } from '#drivers/workbench.ts';
import { openScale } from './scale-rig.ts';

const line = { serial: { path: '/dev/serial/by-id/usb-scale' } };
const on = <Peer extends Parameters<typeof asPeers>[0]>(peer: Peer) => ({ peer, peers: asPeers(peer) });
const asPeers = (peer: CasRequestPeer | CasContinuousPeer | MtSicsPeer | Scp01Peer | Toledo8217Peer) => ({
  bytes: peer,
});

function modelOf(silent: boolean): ScaleModel {
  const model = new ScaleModel('kg', 3);
  model.silent = silent;
  return model;
}

const kinds = {
  'toledo-8217': (options = {}, silent = false) =>
    openScale(toledo8217, { ...line, unit: 'kg', ...options }, (clock) =>
      on(new Toledo8217Peer(clock, modelOf(silent), '8217')),
    ),
  'scp-01': (options = {}, silent = false) =>
    openScale(scp01, { ...line, ...options }, (clock) => on(new Scp01Peer(clock, modelOf(silent), 'NCI'))),
  cas: (options = {}, silent = false) =>
    openScale(cas, { ...line, ...options }, (clock) => on(new CasRequestPeer(clock, modelOf(silent), 'CAS'))),
  'mt-sics': (options = {}, silent = false) =>
    openScale(mtSics, { ...line, ...options }, (clock) => on(new MtSicsPeer(clock, modelOf(silent), 'SICS'))),
  'mt-sics continuous': (options = {}, silent = false) =>
    openScale(mtSics, { ...line, mode: 'continuous', ...options }, (clock) =>
      on(new MtSicsPeer(clock, modelOf(silent), 'SICS')),
    ),
  'cas continuous': (options = {}, silent = false) =>
    openScale(cas, { ...line, mode: 'continuous', ...options }, (clock) =>
      on(new CasContinuousPeer(clock, modelOf(silent), 'CAS')),
    ),
};

for (const [name, open] of Object.entries(kinds)) {
  test(`${name}: what lies on the scale is read, and its certificate goes with it`, async (t) => {
    const scale = await open({ certificateId: 'T8214/B5' });
    await scale.start();
    scale.peer.model.loadMg = 415_000;
    scale.peer.model.motion = true;
    await scale.pass(600_000);
    t.like(scale.readings.at(-1), { stable: false, certificateId: 'T8214/B5' });
    t.regex(scale.readings.at(-1)?.status ?? '', /^motion/);
    scale.peer.model.motion = false;
    await scale.pass(600_000);
    t.like(scale.readings.at(-1), { massMg: 415_000, stable: true, source: 'deli-scale' });
    t.regex(scale.readings.at(-1)?.status ?? '', /^stable.* kg$/);
    t.deepEqual(scale.faults, []);
    await scale.stop();
    t.is(scale.ports.open, 0);
  });

  test(`${name}: silence is a timing fault, a long one a disconnection, told once`, async (t) => {
    const scale = await open();
    await scale.start();
    scale.peer.model.silent = true;
    await scale.pass(1_000_000);
    t.deepEqual(
      scale.faults.map(({ fault, code }) => [fault, code]),
      [['timing', 'CW-DRV-008']],
    );
    scale.peer.model.silent = false;
    await scale.pass(1_100_000);
    t.like(scale.faults[1], { fault: 'timing', code: 'CW-DRV-008', cleared: true });
    scale.peer.model.silent = true;
    await scale.pass(10_000_000);
    t.deepEqual(
      scale.faults.slice(2).map(({ fault, code }) => [fault, code]),
      [
        ['timing', 'CW-DRV-008'],
        ['disconnected', 'CW-DRV-005'],
      ],
    );
    t.is(scale.ports.open, 0);
    await scale.stop();
  });

  test(`${name}: a scale that is switched off is not started, and its port is free again`, async (t) => {
    const scale = await open({}, true);
    await t.throwsAsync(scale.start(), { code: 'CW-DRV-008', message: /check its cable, power/ });
    t.is(scale.ports.open, 0);
    t.deepEqual(scale.readings, []);
    t.deepEqual(scale.faults, []);
  });

  test(`${name}: a start that is broken off ends at once and frees the port`, async (t) => {
    const scale = await open({}, true);
    const starting = t.throwsAsync(
      scale.device.start(() => {}),
      { code: 'CW-DRV-005' },
    );
    await scale.pass(100_000);
    await scale.stop();
    const beganUs = scale.clock.nowUs();
    await scale.settle(starting);
    t.true(scale.clock.nowUs() - beganUs <= 20_000);
    t.is(scale.ports.open, 0);
  });

  test(`${name}: too much on it is a fault until it is taken off`, async (t) => {
    const scale = await open();
    await scale.start();
    scale.peer.model.loadMg = 16_000_000;
    await scale.pass(500_000);
    t.like(scale.faults[0], { fault: 'saturated', code: 'CW-DRV-015' });
    t.like(scale.readings.at(-1), { stable: false });
    t.regex(scale.readings.at(-1)?.status ?? '', /^over/);
    scale.peer.model.loadMg = 0;
    await scale.pass(500_000);
    t.true(scale.faults.at(-1)?.cleared);
    t.is(scale.faults.length, 2);
    await scale.stop();
  });
}

for (const name of ['toledo-8217', 'scp-01', 'mt-sics'] as const) {
  test(`${name}: zeroing and taring are calls; the scale is neither zeroed nor tared by starting`, async (t) => {
    const scale = await kinds[name]({ net: 'accept' });
    scale.peer.model.loadMg = 40_000;
    await scale.start();
    await scale.pass(500_000);
    t.like(scale.readings.at(-1), { massMg: 40_000, stable: true });
    t.deepEqual(await scale.call('zero', {}), {});
    await scale.pass(500_000);
    t.like(scale.readings.at(-1), { massMg: 0, stable: true });
    scale.peer.model.loadMg = 140_000;
    t.deepEqual(await scale.call('tare', {}), {});
    scale.peer.model.loadMg = 240_000;
    await scale.pass(500_000);
    t.like(scale.readings.at(-1), { massMg: 100_000, stable: true });
    t.regex(scale.readings.at(-1)?.status ?? '', / net /);
    scale.peer.model.loadMg = 5_000_000;
    await t.throwsAsync(scale.call('zero', {}), { code: 'CW-DRV-020' });
    scale.peer.model.motion = true;
    await t.throwsAsync(scale.call('zero', {}), { code: 'CW-DRV-020' });
    await t.throwsAsync(scale.call('fly', {}), { code: 'CW-DRV-009', message: /it knows: zero/ });
    await t.throwsAsync(scale.call('zero', { now: true }), { code: 'CW-DRV-020', message: /now/ });
    await scale.stop();
    await t.throwsAsync(scale.call('zero', {}), { code: 'CW-DRV-020', message: /not running/ });
  });
}

for (const name of ['toledo-8217', 'scp-01', 'mt-sics', 'cas continuous'] as const) {
  test(`${name}: a tare set at the scale is a fault where net masses do not count, until it is cleared`, async (t) => {
    const scale = await kinds[name]();
    scale.peer.model.loadMg = 415_000;
    await scale.start();
    await scale.pass(300_000);
    scale.peer.model.tareMg = 12_000;
    await scale.pass(2_500_000);
    t.like(scale.faults[0], { fault: 'configuration', code: 'CW-DRV-015' });
    t.regex(scale.faults[0]?.message ?? '', /clear the tare, or set its option net to accept/);
    t.like(scale.readings.at(-1), { massMg: 403_000, stable: false });
    scale.peer.model.tareMg = 0;
    await scale.pass(2_500_000);
    t.like(scale.faults[1], { fault: 'configuration', cleared: true });
    t.like(scale.readings.at(-1), { massMg: 415_000, stable: true });
    if (name === 'toledo-8217' || name === 'scp-01' || name === 'mt-sics') {
      await t.throwsAsync(scale.call('tare', {}), { code: 'CW-DRV-020', message: /option net/ });
    }
    await scale.stop();
  });
}

test('8217: a known tare is sent in digits, and cleared', async (t) => {
  const scale = await kinds['toledo-8217']({ net: 'accept' });
  scale.peer.model.loadMg = 415_000;
  await scale.start();
  await scale.call('tare', { massMg: 12_000 });
  await scale.pass(400_000);
  t.like(scale.readings.at(-1), { massMg: 403_000, status: 'stable net kg' });
  await scale.call('clear-tare', {});
  await scale.pass(400_000);
  t.like(scale.readings.at(-1), { massMg: 415_000, status: 'stable gross kg' });
  await scale.stop();
});

test('8217: pounds become milligrams exactly', async (t) => {
  const scale = await openScale(toledo8217, { ...line, unit: 'lb' }, (clock) =>
    on(new Toledo8217Peer(clock, new ScaleModel('lb', 2), '8217')),
  );
  scale.peer.model.loadMg = 544_311;
  await scale.start();
  await scale.pass(300_000);
  t.like(scale.readings.at(-1), { massMg: 544_311, status: 'stable gross lb' });
  await scale.stop();
});

test('SCP-01: every variant of the status is understood, and a model without tare says so', async (t) => {
  for (const third of [true, false]) {
    for (const letter of [true, false]) {
      const scale = await kinds['scp-01']({ net: 'accept' });
      Object.assign(scale.peer, { third, letter, tares: false });
      scale.peer.model.loadMg = 415_000;
      await scale.start();
      await scale.pass(300_000);
      t.like(scale.readings.at(-1), { massMg: 415_000, status: third ? 'stable gross kg' : 'stable kg' });
      await t.throwsAsync(scale.call('tare', {}), {
        code: 'CW-DRV-020',
        message: /does not know the command for tare/,
      });
      await scale.stop();
    }
  }
});

test('MT-SICS: the scale says who it is, and a certificate of another one is not carried', async (t) => {
  const scale = await kinds['mt-sics']({ certificateId: 'T8214/B9', certifiedSerial: 'B9' });
  await scale.start();
  t.like(scale.device.identity, {
    model: 'Simulated-15 15.000 kg',
    serial: 'B021002593',
    firmware: '1.20 7.3.0.66',
  });
  await scale.pass(500_000);
  t.like(scale.faults[0], { fault: 'configuration', code: 'CW-DRV-015' });
  t.is(scale.faults.length, 1);
  t.is(scale.readings.at(-1)?.certificateId, undefined);
  t.false(scale.readings.at(-1)?.stable);
  await scale.stop();
});

test('MT-SICS: text is shown and taken away', async (t) => {
  const scale = await kinds['mt-sics']();
  await scale.start();
  await scale.call('display', { text: 'Put it "down"' });
  t.is(scale.peer.shownText, "Put it 'down'");
  await scale.call('display', { text: '' });
  t.is(scale.peer.shownText, undefined);
  await t.throwsAsync(scale.call('display', { text: 'grün' }), {
    code: 'CW-DRV-020',
    message: /printable ASCII/,
  });
  await t.throwsAsync(scale.call('display', {}), { code: 'CW-DRV-020', message: /args.text/ });
  await scale.stop();
});

test('MT-SICS: a scale of level 0 is read without its tare, and refuses what it does not know', async (t) => {
  const scale = await openScale(mtSics, { ...line, net: 'accept' }, (clock) => {
    const peer = new MtSicsPeer(clock, new ScaleModel('g', 2), 'SICS');
    peer.level1 = false;
    return on(peer);
  });
  scale.peer.model.loadMg = 415_000;
  await scale.start();
  await scale.pass(500_000);
  t.like(scale.readings.at(-1), { massMg: 415_000, status: 'stable' });
  await t.throwsAsync(scale.call('tare', {}), { code: 'CW-DRV-020', message: /does not know the command/ });
  t.deepEqual(scale.faults, []);
  await scale.stop();
});

for (const mode of ['request', 'continuous']) {
  test(`MT-SICS: a scale that restarts is told, and read on (${mode})`, async (t) => {
    const scale = await kinds['mt-sics']({ mode });
    await scale.start();
    await scale.pass(500_000);
    scale.peer.restart();
    await scale.pass(2_000_000);
    const told = scale.faults.map(({ code, cleared }) => `${code}${cleared === true ? ' over' : ''}`);
    t.deepEqual(told.slice(0, 1), ['CW-DRV-018']);
    t.true(told.includes('CW-DRV-018 over'));
    t.true(scale.faults.at(-1)?.cleared);
    const before = scale.readings.length;
    await scale.pass(1_000_000);
    t.true(scale.readings.length > before + 3);
    await scale.stop();
    t.false(scale.peer.repeating, 'what it sends by itself has ended');
  });
}

test('a scale is asked again only when it has answered, or its time is over', async (t) => {
  const scale = await kinds['toledo-8217']({ intervalMs: 50 });
  scale.peer.latencyUs = 300_000;
  const asked: number[] = [];
  const before = scale.peer.received.bind(scale.peer);
  scale.peer.received = (bytes) => {
    asked.push(scale.clock.nowUs());
    before(bytes);
  };
  await scale.start();
  await scale.pass(6_000_000);
  t.true(asked.length > 15, `${asked.length} questions`);
  for (let at = 1; at < asked.length; at++) t.true((asked[at] ?? 0) - (asked[at - 1] ?? 0) >= 300_000);
  t.deepEqual(scale.faults, []);
  await scale.stop();
});

test('a scale whose bytes make no sense is told apart from one that is silent', async (t) => {
  const scale = await kinds['toledo-8217']();
  await scale.start();
  scale.peer.received = () => scale.peer.send(Uint8Array.of(0xf3, 0x80, 0xfe, 0x00, 0x1e, 0xe6));
  await scale.pass(1_000_000);
  t.like(scale.faults[0], { fault: 'timing', code: 'CW-DRV-008' });
  t.regex(
    scale.faults[0]?.message ?? '',
    /sent 6 bytes within 500 ms, but no answer; check its protocol, baud/,
  );
  await scale.stop();
});

test('an answer that is too late is not taken for that to the next question', async (t) => {
  const scale = await kinds['mt-sics']({ timeoutMs: 200, intervalMs: 1_000, tareCheckMs: 0 });
  await scale.start();
  await scale.pass(500_000);
  scale.peer.latencyUs = 400_000;
  scale.peer.model.loadMg = 415_000;
  await scale.pass(3_000_000);
  t.true(scale.readings.every(({ massMg }) => massMg === 0));
  t.is(scale.faults[0]?.code, 'CW-DRV-008');
  await scale.stop();
});

test('CAS: a scale that knows DC1 alone is asked with it alone', async (t) => {
  const scale = await kinds.cas({ enquiry: false });
  scale.peer.bare = true;
  scale.peer.model.loadMg = 415_000;
  await scale.start();
  await scale.pass(500_000);
  t.like(scale.readings.at(-1), { massMg: 415_000, stable: true });
  await scale.stop();
});

test('damaged blocks in a row are a fault, a single one is not, and it ends with a good one', async (t) => {
  const scale = await kinds.cas();
  scale.peer.model.loadMg = 415_000;
  await scale.start();
  await scale.pass(300_000);
  scale.peer.damaged = true;
  await scale.pass(200_000);
  scale.peer.damaged = false;
  await scale.pass(400_000);
  t.deepEqual(scale.faults, []);
  scale.peer.damaged = true;
  await scale.pass(1_000_000);
  scale.peer.damaged = false;
  await scale.pass(400_000);
  t.deepEqual(
    scale.faults.map(({ fault, code, cleared }) => [fault, code, cleared === true]),
    [
      ['integrity', 'CW-DRV-006', false],
      ['integrity', 'CW-DRV-006', true],
    ],
  );
  t.true(scale.readings.every(({ massMg }) => massMg === 0 || massMg === 415_000));
  await scale.stop();
});

test('a call waits for the question that is under way, and the next question for the call', async (t) => {
  const scale = await kinds['mt-sics']({ intervalMs: 50 });
  scale.peer.latencyUs = 100_000;
  await scale.start();
  const calls = await scale.settle(
    Promise.all([scale.device.call?.('display', { text: 'a' }), scale.device.call?.('clear-tare', {})]),
  );
  t.deepEqual(calls, [{}, {}]);
  await scale.pass(500_000);
  t.deepEqual(scale.faults, []);
  await scale.stop();
});

test('a call that is under way when the scale is pulled out or stopped is refused', async (t) => {
  const pulled = await kinds['mt-sics']();
  await pulled.start();
  pulled.peer.model.silent = true;
  const refused = t.throwsAsync(pulled.device.call?.('zero', {}) ?? Promise.resolve(), {
    code: 'CW-DRV-005',
  });
  await pulled.pass(100_000);
  pulled.ports.unplug();
  await pulled.settle(refused);
  t.is(pulled.faults.filter(({ fault }) => fault === 'disconnected').length, 1);
  const stopped = await kinds['mt-sics']();
  await stopped.start();
  stopped.peer.model.silent = true;
  const closed = t.throwsAsync(stopped.device.call?.('zero', {}) ?? Promise.resolve(), {
    code: 'CW-DRV-005',
  });
  await stopped.pass(100_000);
  await stopped.stop();
  await stopped.settle(closed);
  t.deepEqual(stopped.faults, []);
});

for (const [name, driver, peerOn] of [
  ['cas', cas as unknown as Driver, CasContinuousPeer],
  ['mt-sics', mtSics as unknown as Driver, MtSicsPeer],
] as const) {
  test(`${name} keeps the driver contract where the scale sends by itself`, async (t) => {
    const makeBench: MakeBench = async (clock) =>
      byteScaleBench(clock, new peerOn(clock, new ScaleModel('kg', 3), name), { mode: 'continuous' });
    const results = await verifyDriver(driver, makeBench, silentLogger);
    t.deepEqual(
      results.filter(({ passed }) => !passed),
      [],
    );
  });
}
