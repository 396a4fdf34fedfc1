import { once } from 'node:events';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { describeError } from '#base/errors.ts';
import { guideCalibration, type Technician } from '#cli/calibrate-guide.ts';
import { CalibrationTalk } from '#cli/calibrate-talk.ts';
import { askDevice } from '#cli/call.ts';
import { useHands } from '#drivers/virtual/hands.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { findTool } from '#test/tools.ts';
import { deviceOf, handsOf, store } from './calibrations/names.ts';
import type { BenchContext, Part } from './support/part.ts';
import { cpuUs, type Running, root, rssBytes, startNode } from './support/processes.ts';
import { measured, type Row } from './support/report.ts';

const name = 'calibrations';
const carts = 200;
const cartsQuick = 12;
const processes = 4;
/** As `cartwright calibrate --at-once 50` would. */
const atOnce = 50;
const weights = [
  { id: 'w10a', massMg: 10_000_000, class: 'M1' },
  { id: 'w10b', massMg: 10_000_000, class: 'M1' },
  { id: 'w7', massMg: 7_000_000, class: 'M1' },
  { id: 'w5', massMg: 5_000_000, class: 'M1' },
  { id: 'w4', massMg: 4_000_000, class: 'M1' },
] as const;

/** Many carts on one broker, calibrated by a script at the same time: each with zero, span, corners and the check. */
export const calibrationsPart: Part = {
  name,
  about: `${carts} carts on one broker, calibrated by script, fifty at a time`,
  async run(context: BenchContext) {
    if (findTool('mosquitto') === undefined) return [{ part: name, why: 'mosquitto is not installed' }];
    const count = context.quick ? cartsQuick : carts;
    const broker = await startMosquitto();
    const fleets: Running[] = [];
    try {
      context.say(`${count} gateways start in ${processes} processes`);
      for (let part = 0; part < processes; part++) {
        const first = Math.floor((part * count) / processes);
        const many = Math.floor(((part + 1) * count) / processes) - first;
        fleets.push(await startFleet(broker.url, join(context.folder, 'fleet'), first, many));
      }
      return await calibrateAll(context, broker.url, count, fleets);
    } finally {
      await Promise.all(fleets.map((fleet) => fleet.stop()));
      await broker.remove();
    }
  },
};

async function startFleet(url: string, folder: string, first: number, count: number): Promise<Running> {
  const fleet = startNode([
    join(root, 'test/bench/calibrations/fleet.ts'),
    url,
    folder,
    `${first}`,
    `${count}`,
  ]);
  const ready = new Promise<void>((resolve) => {
    fleet.child.stdout?.on('data', (data: Buffer) => {
      if (data.toString().includes('ready')) resolve();
    });
  });
  await Promise.race([
    ready,
    once(fleet.child, 'exit').then(() => {
      throw new Error(`the fleet ended: ${fleet.tail()}`);
    }),
  ]);
  return fleet;
}

async function calibrateAll(
  context: BenchContext,
  url: string,
  count: number,
  fleets: readonly Running[],
): Promise<readonly Row[]> {
  const client = await mqtt.connectAsync(url, { protocolVersion: 5 });
  client.setMaxListeners(0);
  const statistics = await brokerStatistics(url);
  try {
    const cpuBefore = fleets.reduce((sum, { pid }) => sum + cpuUs(pid), 0);
    const before = await statistics.read();
    context.say(`${count} carts are calibrated`);
    const began = performance.now();
    const seconds: number[] = [];
    const failures: string[] = [];
    let next = 0;
    const work = async () => {
      for (let number = next++; number < count; number = next++) {
        const startedMs = performance.now();
        try {
          await calibrateOne(client, url, number);
          seconds.push((performance.now() - startedMs) / 1_000);
        } catch (error) {
          failures.push(`${deviceOf(number)}: ${describeError(error)}`);
        }
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    const wholeS = (performance.now() - began) / 1_000;
    const after = await statistics.read();
    const cpuS = (fleets.reduce((sum, { pid }) => sum + cpuUs(pid), 0) - cpuBefore) / 1e6;
    for (const failure of failures.slice(0, 10)) context.say(failure);
    const memory = fleets.reduce((sum, { pid }) => sum + rssBytes(pid), 0) / 1_048_576;
    return [
      { part: name, what: `carts calibrated, of ${count}`, value: seconds.length, unit: '' },
      { part: name, what: 'from the first command to the last commit', value: wholeS, unit: 's' },
      measured(name, 'one cart, ten loads', 's', seconds),
      {
        part: name,
        what: 'messages that the broker took',
        value: (after.received - before.received) / (after.atS - before.atS),
        unit: '/s',
      },
      {
        part: name,
        what: 'messages that it gave out',
        value: (after.sent - before.sent) / (after.atS - before.atS),
        unit: '/s',
      },
      {
        part: name,
        what: 'CPU of all gateways, with their simulated worlds',
        value: (100 * cpuS) / wholeS,
        unit: '% of a core',
      },
      { part: name, what: 'memory of all gateways', value: memory, unit: 'MiB' },
    ];
  } finally {
    await statistics.close();
    await client.endAsync(true);
  }
}

async function calibrateOne(client: mqtt.MqttClient, url: string, number: number): Promise<void> {
  const device = deviceOf(number);
  const talk = new CalibrationTalk((command, args) =>
    askDevice(client, { store, device, command, args, timeout: 120 }),
  );
  const technician: Technician = {
    async place({ plate, massMg, at }) {
      await useHands(handsOf(url, number), { plate, massMg, at });
      return 'done';
    },
    accept: async () => true,
    tell: () => {},
  };
  const job = { weights, model: 'full', leaseS: 300, mostRefusals: 4 } as const;
  const outcome = await guideCalibration(talk, technician, job);
  if (outcome.outcome === 'aborted') throw new Error(outcome.why);
}

/** Counters of the broker itself, as it tells them under $SYS every second. */
async function brokerStatistics(url: string) {
  const client = await mqtt.connectAsync(url);
  const values = new Map<string, number>();
  client.on('message', (topic, payload) => values.set(topic, Number(payload.toString())));
  await client.subscribeAsync('$SYS/broker/messages/#');
  return {
    async read() {
      // The broker tells them every ten seconds.
      await new Promise((resolve) => setTimeout(resolve, 11_000));
      return {
        atS: performance.now() / 1_000,
        received: values.get('$SYS/broker/messages/received') ?? 0,
        sent: values.get('$SYS/broker/messages/sent') ?? 0,
      };
    },
    close: () => client.endAsync(true),
  };
}
