/**
 * What becomes of a gateway under each fault, and after how long it is back: `npm run soak -- --only=faults`. The real
 * daemon runs under a stand-in for systemd with the unit's figures, a real Mosquitto and the virtual cart.
 */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { callDevice } from '#cli/call.ts';
import type { CartEvent } from '#events/event.ts';
import { Collector } from '../support/collector.ts';
import { device, type GatewayFolder, makeGatewayFolder, store } from '../support/gateway.ts';
import { hangThread } from '../support/inspector.ts';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { ServiceUnderTest } from '../support/service.ts';
import type { Stage } from './stage.ts';

/** As `systemd/cartwright.service` has them. */
const unit = { watchdogMs: 30_000, restartMs: 2_000 };

interface Site {
  readonly broker: Mosquitto;
  readonly folder: GatewayFolder;
  readonly collector: Collector;
  readonly data: string;
}

interface Finding {
  readonly fault: string;
  readonly happened: string;
  /** From the fault, or its end where it has one, until the gateway was as before. */
  readonly backMs: number;
  readonly problems: readonly string[];
}

async function withSite(
  use: (site: Site) => Promise<Finding>,
  config: Readonly<Record<string, unknown>> = {},
): Promise<Finding> {
  const broker = await startMosquitto();
  const folder = await makeGatewayFolder({
    brokerUrl: broker.url,
    scenario: 'demo-trip',
    loop: true,
    config: { healthS: 1, ...config },
  });
  const collector = await Collector.connect(broker.url, store, device);
  try {
    const found = await use({ broker, folder, collector, data: join(folder.path, 'data') });
    await sleep(500);
    const lost = collector.unreported();
    const problems = lost.length === 0 ? [] : [`${found.fault}: events ${lost.join(', ')} were lost`];
    return { ...found, problems: [...found.problems, ...problems] };
  } finally {
    await collector.close();
    await broker.remove();
    await folder.remove();
  }
}

const born = (boot: number) => (event: CartEvent) => event.type === 'gateway.born' && event.boot === boot;

function causeOf(event: CartEvent): string {
  return event.type === 'gateway.born' ? (event.data.before?.cause ?? 'unknown') : '';
}

/** Runs one service through `work`; it is stopped whatever happens. */
async function withService<T>(
  site: Site,
  options: Partial<Parameters<typeof ServiceUnderTest.start>[1]>,
  work: (service: ServiceUnderTest) => Promise<T>,
): Promise<T> {
  const service = await ServiceUnderTest.start(site.folder, { ...unit, ...options });
  try {
    await service.until('READY=1');
    return await work(service);
  } finally {
    await service.stop();
  }
}

const hungMainThread = () =>
  withSite((site) =>
    withService(site, { arguments: ['--inspect=127.0.0.1:0'] }, async (service) => {
      const from = service.happenings.length;
      const startMs = performance.now();
      await hangThread(service.inspector ?? '');
      const back = await service.until('READY=1', from, 120_000);
      const backMs = (service.happenings[back]?.atMs ?? 0) - startMs;
      const cause = causeOf(await site.collector.until(born(2), 20_000, 'birth'));
      const problems = cause === 'hung' ? [] : [`the birth says ${cause}`];
      return {
        fault: 'hung main thread',
        happened: `ended by the watchdog, started anew: ${cause}`,
        backMs,
        problems,
      };
    }),
  );

/** Until the next event of after the fault is at the broker. */
async function untilFresh(site: Site, withinMs = 60_000): Promise<void> {
  const known = site.collector.ledger().at(-1)?.sequence ?? 0;
  await site.collector.until(({ sequence }) => sequence > known + 1, withinMs, 'a fresh event');
}

const hungWorker = () =>
  withSite((site) =>
    withService(site, { arguments: ['--inspect=127.0.0.1:0'] }, async (service) => {
      await untilFresh(site);
      const startMs = performance.now();
      await hangThread(service.inspector ?? '', 'uplink');
      await untilFresh(site);
      const told = service.log.some((line) => line.includes('CW-UPL-014'));
      const restarted = service.happenings.some(({ what }) => what.startsWith('end'));
      return {
        fault: 'hung thread of the outbox',
        happened: 'replaced (CW-UPL-014), the gateway went on',
        backMs: performance.now() - startMs,
        problems: told && !restarted ? [] : [`told: ${told}, restarted: ${restarted}`],
      };
    }),
  );

async function addDevice(folder: GatewayFolder, entry: object): Promise<void> {
  const path = join(folder.path, 'board.yaml');
  const board = parse(await readFile(path, 'utf8')) as { devices: object[] };
  await writeFile(path, stringify({ ...board, devices: [...board.devices, entry] }));
}

const leakedMemory = () =>
  withSite(
    async (site) => {
      const entry = { id: 'leak', driver: 'leaking', options: { megabytesPerSecond: 20 } };
      await addDevice(site.folder, entry);
      return await withService(site, { arguments: ['--max-old-space-size=160'] }, async (service) => {
        const ended = await service.until(/^end/, 0, 120_000);
        const back = await service.until('READY=1', ended);
        const cause = causeOf(await site.collector.until(born(2), 20_000, 'birth'));
        return {
          fault: 'memory leaked to the limit',
          happened: `${service.happenings[ended]?.what}, started anew: ${cause}`,
          backMs: service.between(ended, back),
          problems: cause === 'crashed' ? [] : [`the birth says ${cause}`],
        };
      });
    },
    { drivers: [resolve('test/fixtures/drivers/leaking.mjs')] },
  );

/** Runs a line of shell where the service has its disk mounted. */
function inside(service: ServiceUnderTest, line: string): void {
  execFileSync('nsenter', ['-m', '-t', String(service.pid), 'sh', '-c', line], { stdio: 'ignore' });
}

const fullDisk = () =>
  withSite((site) =>
    withService(site, { mount: `mount -t tmpfs -o size=24m tmpfs ${site.data}` }, async (service) => {
      await untilFresh(site);
      const from = service.happenings.length;
      inside(service, `dd if=/dev/zero of=${site.data}/filling bs=1M; true`);
      await sleep(15_000);
      const fed = service.happenings.slice(from).filter(({ what }) => what === 'WATCHDOG=1').length;
      const told = service.log.some((line) => line.includes('CW-UPL-008'));
      inside(service, `rm ${site.data}/filling`);
      const startMs = performance.now();
      await untilFresh(site);
      const restarted = service.happenings.some(({ what }) => what.startsWith('end'));
      return {
        fault: 'full disk',
        happened: 'events waited in memory (CW-UPL-008), weighing and deciding went on',
        backMs: performance.now() - startMs,
        problems: told && fed > 1 && !restarted ? [] : [`told ${told}, fed ${fed}, restarted ${restarted}`],
      };
    }),
  );

/** What ext4 does after an error of its disk: nothing is written until the machine has started again and checked it. */
const readOnlyDisk = () =>
  withSite(async (site) => {
    const image = join(site.folder.path, 'disk');
    execFileSync('sh', ['-ec', `truncate -s 24M ${image}; mkfs.ext4 -q ${image}`]);
    const loop = execFileSync('losetup', ['-f', '--show', image], { encoding: 'utf8' }).trim();
    try {
      const mount = `mount -o errors=remount-ro ${loop} ${site.data}`;
      return await withService(site, { mount }, async (service) => {
        await untilFresh(site);
        const from = service.happenings.length;
        inside(service, `echo 1 >/sys/fs/ext4/${basename(loop)}/trigger_fs_error`);
        await sleep(15_000);
        const fed = service.happenings.slice(from).filter(({ what }) => what === 'WATCHDOG=1').length;
        const told = service.log.some((line) => line.includes('CW-UPL-008'));
        const startMs = performance.now();
        const call = { broker: site.broker.url, store, device, command: 'device.reboot', timeout: 30 };
        const answer = await callDevice({ ...call, args: { why: 'its disk is read-only', force: true } });
        const backMs = performance.now() - startMs;
        const wish = await readFile(join(service.runtimeFolder, 'power.json'), 'utf8');
        const isFine = told && fed > 1 && answer.status === 'done' && wish.includes('"reboot"');
        return {
          fault: 'read-only disk',
          happened: 'events waited in memory (CW-UPL-008), deciding went on; device.reboot was taken',
          backMs,
          problems: isFine ? [] : [`told ${told}, fed ${fed}, ${JSON.stringify(answer)}`],
        };
      });
    } finally {
      execFileSync('losetup', ['-d', loop]);
    }
  });

const isBehind = (event: CartEvent) =>
  event.type === 'gateway.health' &&
  event.data.timeQuality === 'unset' &&
  event.data.warnings?.some(({ code }) => code === 'CW-GWY-020') === true;

const clockBack = () =>
  withSite(async (site) => {
    const library = join(site.folder.path, 'shifted-clock.so');
    execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-o', library, 'test/support/shifted-clock.c', '-ldl']);
    const shift = join(site.folder.path, 'shift');
    const set = async (seconds: bigint) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(seconds);
      await writeFile(shift, bytes, { flag: 'r+' }).catch(() => writeFile(shift, bytes));
    };
    await set(0n);
    const environment = { LD_PRELOAD: library, SHIFTED_CLOCK: shift };
    return await withService(site, { environment }, async (service) => {
      await untilFresh(site);
      const before = site.collector.ledger().at(-1);
      await set(-31_536_000n);
      const startMs = performance.now();
      const told = await site.collector.until(isBehind, 150_000, 'the warning of the clock');
      const backMs = performance.now() - startMs;
      const went = told.atUs > (before?.atUs ?? 0) && told.sequence > (before?.sequence ?? 0);
      const restarted = service.happenings.some(({ what }) => what.startsWith('end'));
      return {
        fault: 'clock set back a year',
        happened:
          'decisions and ledger went on by the monotonic clock; the times of events went back with the clock',
        backMs,
        problems: went && !restarted ? [] : [`went on ${went}, restarted ${restarted}`],
      };
    });
  });

/** Something is damaged while the gateway is off; it starts all the same. */
const damaged = (fault: string, happened: string, code: string, damage: (site: Site) => Promise<void>) =>
  withSite(async (site) => {
    await withService(site, {}, () => untilFresh(site));
    await damage(site);
    const service = await ServiceUnderTest.start(site.folder, unit);
    try {
      const ready = await service.until('READY=1');
      const told = service.log.some((line) => line.includes(code));
      return {
        fault,
        happened,
        backMs: service.between(0, ready),
        problems: told ? [] : [`${code} was not told`],
      };
    } finally {
      await service.stop();
    }
  });

const corruptedOutbox = () =>
  damaged(
    'corrupted outbox',
    'set aside (CW-UPL-002), a new ledger begun',
    'CW-UPL-002',
    async ({ data }) => {
      const path = join(data, 'outbox.sqlite');
      const bytes = await readFile(path);
      bytes.fill(0x5a, 0, 64);
      await writeFile(path, bytes);
    },
  );

const corruptedCalibration = () =>
  damaged(
    'corrupted calibration',
    'told (CW-CAL-10x), the copy of the last good one in force',
    'CW-CAL-10',
    async ({ data }) => {
      const path = join(data, 'calibrations', 'calibration-00000001.json');
      await writeFile(path, (await readFile(path, 'utf8')).replace(/"zeroCounts":\d+/, '"zeroCounts":1'));
    },
  );

const corruptedConfiguration = () =>
  withSite(async (site) => {
    await withService(site, {}, () => untilFresh(site));
    await writeFile(site.folder.configPath, 'cartwright: 1\nstore: [\n');
    const service = await ServiceUnderTest.start(site.folder, unit);
    try {
      const ended = await service.until(/^end/);
      const what = service.happenings[ended]?.what ?? '';
      return {
        fault: 'corrupted configuration',
        happened: `${what}: safe mode`,
        backMs: service.between(0, ended),
        problems: what === 'end 78' ? [] : [`it ended with ${what}`],
      };
    } finally {
      await service.stop();
    }
  });

const all: Readonly<Record<string, () => Promise<Finding>>> = {
  hungMainThread,
  hungWorker,
  leakedMemory,
  fullDisk,
  readOnlyDisk,
  clockBack,
  corruptedOutbox,
  corruptedCalibration,
  corruptedConfiguration,
};

export const faultsStage: Stage = {
  name: 'faults',
  about: 'hangs, leaks, broken disks, clocks and files: what happens, and how soon it is over',
  async run(_options, say) {
    const findings: Finding[] = [];
    for (const [name, run] of Object.entries(all)) {
      const found = await run().catch((error: unknown) => ({
        ...{ fault: name, happened: '', backMs: Number.NaN },
        problems: [`${name}: ${String(error)}`],
      }));
      say(
        `${found.fault}: ${found.happened}; ${(found.backMs / 1000).toFixed(1)} s ${found.problems.join('; ')}`,
      );
      findings.push(found);
    }
    const faults = findings.flatMap(({ fault, problems }) =>
      problems.map((problem) => `${fault}: ${problem}`),
    );
    return { summary: `${findings.length} faults`, faults };
  },
};
