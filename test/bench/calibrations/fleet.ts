/** Real gateways, many in one process, each on a virtual cart of its own with hands: `fleet.ts BROKER FOLDER FIRST COUNT`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { Gateway } from '#gateway/gateway.ts';
import { loadSetup } from '#gateway/setup.ts';
import { cells, deviceOf, handsOf, store } from './names.ts';

const [broker = '', folder = '', first = '0', count = '0'] = process.argv.slice(2);
const gateways: Gateway[] = [];

async function start(number: number): Promise<void> {
  const device = deviceOf(number);
  const path = join(folder, device);
  await mkdir(path, { recursive: true });
  const world = {
    scenario: resolve('config/scenarios/demo-trip.yaml'),
    startOn: 'call',
    // Every cart is another piece of hardware.
    hardwareSeed: number,
    seed: number,
    hands: handsOf(broker, number),
    // Two hundred worlds on one computer: each works out a quarter of a second at a time.
    tickMs: 250,
  };
  const board = {
    profile: 1,
    name: 'fleet-cart',
    devices: [
      { id: 'world', driver: 'virtual-world', options: world },
      {
        id: 'bridge',
        driver: 'virtual-load-cells',
        options: { world: 'world', cells: cells.map(({ id }) => id), samplesPerSecond: 10 },
      },
    ],
    plates: [
      {
        ...{ id: 'basket', kind: 'cart', maxMg: 30_000_000, intervalMg: 5_000, divisionMg: 1_000 },
        ...{ deadLoadMg: 2_600_000, cells },
      },
    ],
  };
  await writeFile(join(path, 'board.yaml'), JSON.stringify(board));
  const config = {
    ...{ cartwright: 1, store, device, board: 'board.yaml', data: 'data', calibrationWarmUpS: 0 },
    catalogue: resolve('config/catalogues/demo.json'),
    status: { enabled: false },
    display: { enabled: false },
    broker: { url: broker },
  };
  const configPath = join(path, 'cartwright.yaml');
  await writeFile(configPath, JSON.stringify(config));
  const gateway = await Gateway.open({
    setup: await loadSetup(configPath, {}),
    clock: systemClock,
    log: silentLogger,
    setLogLevel: () => {},
    onFatal: (error) => {
      throw error;
    },
  });
  await gateway.start();
  gateways.push(gateway);
}

for (let number = Number(first); number < Number(first) + Number(count); number++) await start(number);
process.on('SIGTERM', () => {
  void Promise.all(gateways.map((gateway) => gateway.stop())).then(() => process.exit(0));
});
console.log('ready');
