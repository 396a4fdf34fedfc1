import anyTest, { type TestFn } from 'ava';
import { loadBoard } from '#config/load.ts';
import { type Mosquitto, startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { attachedCases } from './cases/attached.ts';
import { bridgeCases } from './cases/bridge.ts';
import { burstCases } from './cases/bursts.ts';
import { busCases } from './cases/buses.ts';
import { cameraCases } from './cases/cameras.ts';
import { type Context, limitMs, type PlannedBoard, planOf } from './cases/context.ts';
import { eyesCases } from './cases/eyes.ts';
import { gatewayCases } from './cases/gateway.ts';
import { hotPlugCases } from './cases/hot-plug.ts';
import { machineCases } from './cases/machine.ts';
import { nameCases } from './cases/names.ts';
import { tools } from './machine/build.ts';
import { chooseAccelerator } from './machine/qemu.ts';
import { notAttached, someoneIsThere, startAttachedRig } from './rig/attached.ts';
import { startVirtualRig } from './rig/virtual.ts';

/**
 * Our drivers and the gateway on kernel devices: in the virtual machine, or with HIL_BOARD on hardware that is attached.
 * One file, so that there is one rig; the tests follow each other on it like a day in a store: what one plugs in stays.
 */
const hardware = process.env.HIL_BOARD;
const test = needs(
  anyTest as TestFn<Context>,
  'mosquitto',
  ...(hardware === undefined ? Object.keys(tools) : []),
);
const plan = planOf(test, (await loadBoard(hardware ?? 'test/hil/boards/vm.yaml')) as PlannedBoard, {
  missing: hardware === undefined ? new Set() : await notAttached(hardware),
  hands: hardware === undefined || someoneIsThere,
  virtual: hardware === undefined,
  fast: hardware !== undefined || process.env.CARTWRIGHT_HIL_SLOW === '1' || (await accelerator()) === 'kvm',
});

/** Undefined where there is none: the tests are skipped, or fail, for that then. */
function accelerator() {
  return hardware === undefined ? chooseAccelerator().catch(() => undefined) : undefined;
}

const shared: Partial<Context> & { broker?: Mosquitto } = {};
const share = (part: Partial<Context>) => void Object.assign(shared, part);
test.beforeEach((t) => void Object.assign(t.context, shared));

const start =
  hardware === undefined
    ? 'the virtual machine is built where it is not in the cache, and restored'
    : `the hardware of board ${hardware} is there`;
test.serial(start, async (t) => {
  // Building takes a minute or two where nothing else runs.
  t.timeout(2 * limitMs);
  shared.broker = await startMosquitto();
  shared.brokerUrl = shared.broker.url;
  if (hardware === undefined) {
    const machine = await startVirtualRig(shared.broker.port, (line) => t.log(line));
    share({ rig: machine, machine });
    t.log(`${machine.machine.image.accelerator}, Linux ${machine.machine.image.kernel}`);
    t.is((await machine.sh('node --version')).trim(), process.version);
  } else {
    share({ rig: await startAttachedRig(hardware, shared.brokerUrl, (line) => console.error(line)) });
    t.true(plan.devices.length > 0, 'nothing of the board is attached');
  }
});

test.after.always(async () => {
  await shared.gateway?.stop();
  await shared.rig?.stop();
  await shared.broker?.remove();
});

machineCases(plan);
cameraCases(plan);
attachedCases(plan);
nameCases(plan);
busCases(plan);
bridgeCases(plan);
gatewayCases(plan, share);
burstCases(plan);
hotPlugCases(plan);
const { inFastMachine } = plan;
if (inFastMachine !== undefined) eyesCases(inFastMachine, share);
else console.log('What runs the network in the machine is left to the soak: its processor is emulated.');
