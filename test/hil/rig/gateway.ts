import { setTimeout as sleep } from 'node:timers/promises';
import mqtt, { type MqttClient } from 'mqtt';
import { stringify } from 'yaml';
import type { CartEvent } from '#events/event.ts';
import { Collector } from '#test/support/collector.ts';
import type { GuestProcess } from '../machine/agent.ts';
import type { Rig } from './rig.ts';

const store = 'hil-store';
const device = 'hil-device';

/** The real gateway on the rig's computer, and its store outside. */
export interface GatewayUnderTest {
  readonly pid: number;
  readonly store: Collector;
  /** Newest mass of each plate, mg; from its live topic, which is kept going. */
  readonly massMg: ReadonlyMap<string, number | undefined>;
  readonly log: readonly string[];
  /** Waits until an event fits that came after the first `since`. */
  event(what: string, fits: (event: CartEvent) => boolean, since?: number): Promise<CartEvent>;
  /** Waits until something is so. */
  until(what: string, holds: () => boolean): Promise<void>;
  /** Ids of devices with a fault that was reported and is not over. */
  faults(): string[];
  /** Open files, and resident memory in bytes. */
  footprint(): Promise<{ readonly files: number; readonly bytes: number }>;
  stop(): Promise<void>;
}

/** What is other than usual. */
interface GatewayOptions {
  /** Path of a board profile on the rig's computer; the rig's own where left out. */
  readonly board?: string;
  /** Further keys of its configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** So many times longer than usual is waited for what it does. */
  readonly slower?: number;
  /** Before its command line, which is then begun as root: a program that takes on the gateway's rights. */
  readonly through?: readonly string[];
}

/** Starts it with the rig's board and resolves when it says that it runs. */
export async function startGateway(
  rig: Rig,
  brokerUrlHere: string,
  { board = rig.board, config: further = {}, slower = 1, through }: GatewayOptions = {},
): Promise<GatewayUnderTest> {
  const collector = await Collector.connect(brokerUrlHere, store, device);
  const client = await mqtt.connectAsync(brokerUrlHere, { protocolVersion: 4 });
  const config = stringify({
    cartwright: 1,
    store,
    device,
    board,
    catalogue: `${rig.project}/config/catalogues/demo.json`,
    data: `${rig.folder}/data`,
    encoding: 'json',
    status: { enabled: false },
    display: { enabled: false },
    broker: { url: rig.brokerUrl, reconnectFirstMs: 100, reconnectMaxMs: 1000 },
    ...further,
  });
  const configPath = `${rig.folder}/cartwright.yaml`;
  await rig.sh(`rm -rf ${rig.folder}/data; cat >${configPath} <<'END'\n${config}END\n`);
  const process = await rig.start(
    [...(through ?? []), 'node', rig.program('main'), configPath],
    through === undefined ? rig.gatewayUser : {},
  );
  const log: string[] = [];
  let ended = false;
  process.onLine((line) => log.push(line));
  void process.finished.then(({ code, signal, stderr }) => {
    ended = true;
    log.push(`ended with ${code ?? signal}: ${stderr}`);
  });
  const massMg = new Map<string, number | undefined>();
  await followMasses(client, massMg);
  const withinMs = 15_000 * rig.patience * slower;
  const until = async (what: string, holds: () => boolean) => {
    for (const deadline = performance.now() + withinMs; !holds(); await sleep(10)) {
      if (ended) throw new Error(`the gateway ended:\n${log.slice(-12).join('\n')}`);
      if (performance.now() > deadline)
        throw new Error(
          `${what}: not within ${withinMs} ms; open faults: ${JSON.stringify([...openFaults(collector).values()])}; the log ends:\n${log.slice(-12).join('\n')}`,
        );
    }
  };
  const gateway = {
    pid: process.pid,
    store: collector,
    massMg,
    log,
    until,
    async event(what: string, fits: (event: CartEvent) => boolean, since = 0) {
      let found: CartEvent | undefined;
      await until(what, () => {
        found = collector.events.slice(since).find(fits);
        return found !== undefined;
      });
      return found as CartEvent;
    },
    faults: () => [...openFaults(collector).values()].map(({ source }) => source),
    async footprint() {
      // A file that is open for a moment, as when attributes are read, is none that stays.
      const fewest = `for try in $(seq 10); do ls /proc/${process.pid}/fd | wc -l; sleep 0.1; done | sort -n | head -n 1`;
      const text = await rig.sh(`${fewest}; cat /proc/${process.pid}/statm`);
      const [files = '', statm = ''] = text.split('\n');
      return { files: Number(files), bytes: Number(statm.split(' ')[1]) * 4096 };
    },
    async stop() {
      lease.stop();
      await stopProcess(process);
      await client.endAsync(true);
      await collector.close();
    },
  };
  const lease = keepLive(client, rig.folder);
  try {
    await until('the gateway runs', () => log.some((line) => line.includes('"gateway running"')));
  } catch (error) {
    await gateway.stop();
    throw error;
  }
  return gateway;
}

/** Faults that were told and not yet told to be over. */
function openFaults(collector: Collector): Map<string, { readonly source: string; readonly code?: string }> {
  const faults = new Map<string, { source: string; code?: string }>();
  for (const { type, data } of collector.ledger()) {
    const { source = '', fault = '', code } = data as { source?: string; fault?: string; code?: string };
    const key = `${source} ${fault}`;
    if (type === 'device.fault') faults.set(key, { source, ...(code === undefined ? {} : { code }) });
    if (type === 'device.recovered') faults.delete(key);
  }
  return faults;
}

async function followMasses(client: MqttClient, massMg: Map<string, number | undefined>): Promise<void> {
  client.on('message', (topic, payload) => {
    if (!topic.endsWith('/live/weight')) return;
    const { plates } = JSON.parse(payload.toString()) as { plates: { plate: string; grossMg?: number }[] };
    for (const plate of plates) massMg.set(plate.plate, plate.grossMg);
  });
  await client.subscribeAsync(`cw/1/${store}/${device}/live/weight`);
}

/** Renews the lease on live values: it ends with the connection of the gateway or with a minute. */
function keepLive(client: MqttClient, name: string): { stop(): void } {
  let number = 0;
  const renew = () => {
    number += 1;
    const now = Date.now();
    const request = {
      transaction: `${name}-${now}-${number}`,
      issued: now,
      expires: now + 60_000,
      args: { what: 'weight', seconds: 60 },
    };
    client.publish(`cw/1/${store}/${device}/request/live/start`, JSON.stringify(request));
  };
  renew();
  const timer = setInterval(renew, 2_000);
  return { stop: () => clearInterval(timer) };
}

async function stopProcess(process: GuestProcess): Promise<void> {
  await process.signal('SIGTERM');
  const tooLong = setTimeout(() => void process.signal('SIGKILL'), 60_000);
  await process.finished;
  clearTimeout(tooLong);
}
