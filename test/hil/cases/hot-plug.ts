import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { type Context, limitMs, type Plan } from './context.ts';
import { scanOf } from './gateway.ts';

/** Plug cycles of each device; the soak asks for 100. */
const cycles = Number(process.env.CARTWRIGHT_HIL_CYCLES ?? 5);

/** Devices that are pulled and put back while the gateway runs. */
export function hotPlugCases({ withHands: test, everywhere, devices, scales }: Plan): void {
  const plates = new Map(scales.map(({ id, plate }) => [id, plate]));
  const ids = devices.map(({ id }) => id);
  test.serial(
    `each device comes back ${cycles} times after being pulled, and nothing is left behind`,
    async (t) => {
      t.timeout(limitMs + cycles * 120_000);
      const { gateway } = t.context;
      const times = new Map<string, number[]>(ids.map((id) => [id, []]));
      // The first round is not measured: what is loaded on the first reopening stays loaded.
      for (const id of ids) await cycle(t, id, plates.get(id), -1);
      const before = await gateway.footprint();
      for (let round = 0; round < cycles; round++) {
        if (round % 10 === 0)
          t.log(`memory in round ${round}: ${mib((await gateway.footprint()).bytes)} MiB`);
        for (const id of ids) times.get(id)?.push(await cycle(t, id, plates.get(id), round));
      }
      const after = await gateway.footprint();
      for (const [id, all] of times) {
        t.log(
          `${id}: first reading ${percentile(all, 50)} ms (p50), ${percentile(all, 99)} ms (p99) after it was put back`,
        );
      }
      t.log(
        `open files ${before.files} → ${after.files}, memory ${mib(before.bytes)} → ${mib(after.bytes)} MiB`,
      );
      t.is(after.files, before.files);
      t.true(after.bytes - before.bytes < 32 * 2 ** 20, 'memory grew by more than 32 MiB');
    },
  );

  test.serial('a device put back at another port is found by its serial number', async (t) => {
    t.timeout(limitMs);
    const { rig, gateway } = t.context;
    for (const id of ids) {
      await pull(t, id);
      await rig.hands.putBackElsewhere(id);
      await firstReading(t, id, plates.get(id), 1000);
    }
    t.deepEqual(gateway.store.unreported(), []);
    await gateway.until('every fault is over', () => !gateway.faults().some((id) => ids.includes(id)));
  });

  everywhere.serial('the gateway stops in order while devices are attached', async (t) => {
    t.timeout(limitMs);
    const { gateway } = t.context;
    await gateway.stop();
    t.false(
      gateway.log.some((line) => /"level":(?:50|60)/.test(line)),
      gateway.log.join('\n'),
    );
  });
}

/** Pulls and puts back; answers with the time from then to the first reading at the store, ms. */
async function cycle(
  t: ExecutionContext<Context>,
  id: string,
  plate: string | undefined,
  round: number,
): Promise<number> {
  const { rig } = t.context;
  try {
    await pull(t, id);
    const started = performance.now();
    await rig.hands.putBack(id);
    await firstReading(t, id, plate, round);
    return performance.now() - started;
  } catch (error) {
    // Whether the kernel had the device at all.
    t.log(`${id} in round ${round}; the kernel's log ends:\n${await rig.sh('dmesg | tail -n 30')}`);
    throw error;
  }
}

async function pull(t: ExecutionContext<Context>, id: string): Promise<void> {
  const { rig, gateway } = t.context;
  // Readings come before everything of a device is open; until then it still has the fault that it was pulled.
  await gateway.until(`${id} is well`, () => !gateway.faults().includes(id));
  const since = gateway.store.events.length;
  await rig.hands.pull(id);
  const lost = await gateway.event(
    `the fault of ${id}`,
    ({ type, data }) => type === 'device.fault' && (data as { source: string }).source === id,
    since,
  );
  t.like(lost.data, { fault: 'disconnected', code: 'CW-DRV-005' });
}

/** A new mass shows, or one of the codes that are shown until one arrives. */
async function firstReading(
  t: ExecutionContext<Context>,
  id: string,
  plate: string | undefined,
  round: number,
): Promise<void> {
  const { rig, gateway } = t.context;
  if (plate !== undefined) {
    const before = gateway.massMg.get(plate);
    const massMg = await rig.hands.load(id, (round + 2) * 10_000);
    await gateway.until(`a mass of ${id}`, () => {
      const mass = gateway.massMg.get(plate);
      return massMg === undefined ? mass !== undefined && mass !== before : mass === massMg;
    });
    return;
  }
  const since = gateway.store.events.length;
  const arrived = () => gateway.store.events.slice(since).some((event) => scanOf(event, id) !== undefined);
  for (let tries = 0; tries < 20 * rig.patience && !arrived(); tries++) {
    await rig.hands.scan(id, `R${round + 2}T${tries}`);
    for (let waits = 0; waits < 25 && !arrived(); waits++) await sleep(10);
  }
  t.true(arrived(), `${id} is stuck`);
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.ceil((percent / 100) * sorted.length) - 1;
  return Math.round(sorted[Math.max(0, rank)] ?? Number.NaN);
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
