import { setTimeout as sleep } from 'node:timers/promises';
import type { BridgeLines } from '../gadgets/cp2112.ts';
import { inGuest } from '../machine/machine.ts';
import type { VirtualRig } from '../rig/virtual.ts';
import { limitMs, type Plan } from './context.ts';
import { boardOf, openInTime, refusalOf } from './opened.ts';

const far = ({ machine }: VirtualRig, name: string, ...args: readonly unknown[]) =>
  machine.guest.call(inGuest('buses'), name, ...args);

/** By line: green is lit by 1, red by 0, the buzzer sounds by 1. */
const green = 1 << 0;
const red = 1 << 3;
const buzzer = 1 << 5;

/** A USB bridge to I²C and GPIO lines that the kernel's own driver (hid_cp2112) drives. */
export function bridgeCases({ inMachine: test }: Plan): void {
  test.serial('a load-cell converter is read through an I²C adapter of the kernel', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    const board = await plugBridge(rig);
    await far(rig, 'setCounts', 420_000);
    const device = await openInTime(rig, board, 'cells');
    const { opened } = await device.line('identity', (line) => 'opened' in line);
    t.like(opened, { vendor: 'Nuvoton', model: 'NAU7802', firmware: 'revision 15' });
    await device.line('420,000 counts', ({ kind, counts }) => kind === 'cell' && counts === 420_000);
    await far(rig, 'setCounts', -7);
    await device.line('-7 counts', ({ kind, counts }) => kind === 'cell' && counts === -7);
    const sequences = device.lines.filter(({ kind }) => kind === 'cell').map((line) => line.sequence);
    t.deepEqual(sequences, [...new Set(sequences)], 'no conversion twice');
    t.is((await refusalOf(rig, board, 'missing')).refused, 'CW-DRV-013');

    // The kernel keeps the adapter until the last one has closed it.
    const pulled = far(rig, 'pullBridge');
    const lost = await device.line('fault', (line) => line.fault === 'disconnected');
    t.is(lost.code, 'CW-DRV-005');
    t.is(await device.end(), '');
    await pulled;
  });

  test.serial('lamps and a buzzer on lines of a GPIO chip show the levels they are called to', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    const board = await plugBridge(rig);
    const lines = async () => (await far(rig, 'bridgeLines')) as BridgeLines;
    const device = await openInTime(rig, board, 'lamps');
    const levels = async () => (await lines()).levels & (green | red | buzzer);
    t.is((await lines()).outputs, green | red | buzzer, 'these lines, and no others, are outputs');
    t.is(await levels(), red, 'off at first; red is off where its line is high');
    t.like(await device.call('lamp', { lamp: 'green', state: 'on' }), { answer: {} });
    t.is(await levels(), green | red);
    t.like(await device.call('lamp', { lamp: 'red', state: 'on' }), { answer: {} });
    t.is(await levels(), green);
    const since = (await lines()).history.length;
    await device.call('tone', { pattern: [[50, 50]], times: 2 });
    const sounded = async () =>
      (await lines()).history.slice(since).filter((level) => (level & buzzer) !== 0).length;
    for (let waits = 0; waits < 600 && (await sounded()) < 2; waits++) await sleep(20);
    t.is(await sounded(), 2);
    t.is((await refusalOf(rig, board, 'lamps')).refused, 'CW-DRV-003', 'its lines are taken');
    t.is(await device.end(), '');
    t.is(await levels(), red, 'off when it has stopped');

    const again = await openInTime(rig, board, 'lamps');
    await far(rig, 'pullBridge');
    const lost = await again.line('fault', (line) => line.fault === 'disconnected');
    t.is(lost.code, 'CW-DRV-005');
    t.is(await again.end(), '');
    t.is((await refusalOf(rig, board, 'lamps')).refused, 'CW-DRV-004');
  });
}

/** Plugs it in; answers with a board of what is on it. */
async function plugBridge(rig: VirtualRig): Promise<string> {
  await far(rig, 'plugBridge', 'S-0006-I2C');
  // The adapter's name counts hidraw nodes: its number is as good.
  const listed = await rig.sh(
    'for try in $(seq 300); do [ -e /dev/gpiochip0 ] && grep -l CP2112 /sys/bus/i2c/devices/i2c-*/name && exit 0; sleep 0.1; done; exit 1',
  );
  const adapter = Number(/i2c-(\d+)/.exec(listed)?.[1]);
  // Its far side has 50 ms to answer, and takes longer while its code is new to the emulated processor.
  await rig.sh(
    `udevadm settle; good=0; for try in $(seq 50); do i2cget -y ${adapter} 0x2a 0x1f && good=$((good + 1)) || good=0; [ $good = 5 ] && exit 0; done; exit 1`,
  );
  const cells = { adapter, samplesPerSecond: 10, cells: ['left'] };
  return boardOf(rig, 'bridge', [
    { id: 'cells', driver: 'nau7802', options: cells },
    { id: 'missing', driver: 'nau7802', options: { ...cells, address: 0x2b } },
    {
      id: 'lamps',
      driver: 'gpio-indicator',
      options: {
        chip: 'cp2112_gpio',
        lamps: [
          { name: 'green', offset: 0 },
          { name: 'red', offset: 3, activeLow: true },
        ],
        buzzer: { offset: 5 },
      },
    },
  ]);
}
