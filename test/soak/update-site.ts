import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { parse, stringify } from 'yaml';
import { gatewayHealth } from '#events/data/gateway.ts';
import type { CartEvent } from '#events/event.ts';
import { unpack } from '#updates/archive.ts';
import { placesUnder } from '#updates/places.ts';
import type { UpdaterState } from '#updates/state.ts';
import { readState } from '#updates/state-file.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { type CliResult, runCli } from '../support/cli.ts';
import { Collector } from '../support/collector.ts';
import { makeGatewayFolder } from '../support/gateway.ts';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { makeAuthority } from '../support/openssl-authority.ts';
import { UnitsUnderTest } from '../support/units.ts';
import { root } from './children.ts';
import { type MadeRelease, makerPem, ReleaseMaker } from './update-releases.ts';

type Health = ReturnType<typeof decodePayload<typeof gatewayHealth>>;

/** A store: broker, maker of releases, and the web server that their archives lie on. */
export class UpdateSite {
  readonly broker: Mosquitto;
  readonly maker = new ReleaseMaker();
  readonly caFile: string;
  /** Bytes that were asked for from somewhere in the middle. */
  resumed = 0;
  readonly #folder: string;
  readonly #server: Server;
  readonly #archives = new Map<string, Buffer>();
  /** The first answer for each archive breaks off in the middle. */
  readonly #brokenOff = new Set<string>();

  static async open(): Promise<UpdateSite> {
    const folder = await mkdtemp(join(tmpdir(), 'cartwright-site-'));
    const authority = makeAuthority(folder, 'site');
    const { cert, key } = authority.issue('files', 'IP:127.0.0.1');
    const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new UpdateSite(await startMosquitto(), folder, authority.ca, server);
  }

  private constructor(broker: Mosquitto, folder: string, caFile: string, server: Server) {
    this.broker = broker;
    this.#folder = folder;
    this.caFile = caFile;
    this.#server = server;
    server.on('request', (request, response) => {
      const archive = this.#archives.get(request.url ?? '');
      if (archive === undefined) return void response.writeHead(404).end();
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const range = `bytes ${from}-${archive.length - 1}/${archive.length}`;
      if (from > 0) {
        this.resumed += archive.length - from;
        response.writeHead(206, { 'content-range': range });
      }
      if (this.#brokenOff.has(request.url ?? '')) return void response.end(archive.subarray(from));
      this.#brokenOff.add(request.url ?? '');
      response.write(archive.subarray(0, archive.length / 2), () =>
        setTimeout(() => response.destroy(), 200),
      );
    });
  }

  /** Lays a release on the web server and has it offered to a store by `cartwright release publish`. */
  async publish(store: string, made: MadeRelease, ...more: readonly string[]): Promise<void> {
    const { port } = this.#server.address() as AddressInfo;
    const name = `cartwright-${made.version}-linux-${process.arch}`;
    this.#archives.set(`/${store}/${name}.tar.gz`, made.archive);
    const place = join(this.#folder, store);
    const description = await this.lay(place, made);
    await must([
      ...['release', 'publish', description, '-s', store, '-b', this.broker.url],
      ...['--keys', join(place, 'keys'), '--url', `https://127.0.0.1:${port}/${store}/`, ...more],
    ]);
  }

  /** Lays archive and description side by side in a folder; answers the description's path. */
  async lay(place: string, made: MadeRelease): Promise<string> {
    await mkdir(join(place, 'keys'), { recursive: true });
    await writeFile(join(place, 'keys/maker.pem'), makerPem);
    const path = join(place, `cartwright-${made.version}-linux-${process.arch}`);
    await writeFile(`${path}.tar.gz`, made.archive);
    await writeFile(`${path}.release`, made.release);
    return `${path}.release`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await this.broker.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Runs the command line; throws where it does not end with 0. */
export async function must(args: readonly string[]): Promise<CliResult> {
  const result = await runCli(args);
  if (result.code === 0) return result;
  throw new Error(`cartwright ${args.join(' ')} ended with ${result.code}: ${result.stderr}${result.stdout}`);
}

/** A device with a virtual cart and a probe, whose gateway, safe mode and updater are those of its releases. */
export class SoakDevice {
  readonly store: string;
  readonly device: string;
  readonly root: string;
  readonly units: UnitsUnderTest;
  readonly collector: Collector;
  readonly #brokerUrl: string;

  private constructor(
    place: { readonly store: string; readonly device: string; readonly root: string },
    units: UnitsUnderTest,
    collector: Collector,
    brokerUrl: string,
  ) {
    this.#brokerUrl = brokerUrl;
    this.store = place.store;
    this.device = place.device;
    this.root = place.root;
    this.units = units;
    this.collector = collector;
  }

  static async boot(
    site: UpdateSite,
    first: MadeRelease,
    { store, device = 'cart-0001' }: { readonly store: string; readonly device?: string },
  ): Promise<SoakDevice> {
    const made = await makeGatewayFolder({ brokerUrl: site.broker.url, scenario: 'put-back' });
    const places = placesUnder(made.path);
    for (const path of [places.releases, places.own, places.releaseKeys, places.data, places.units])
      await mkdir(path, { recursive: true });
    await writeFile(join(places.releaseKeys, 'maker.pem'), makerPem);
    await configure(made.path, { store, device, caFile: site.caFile });
    const archive = join(made.path, 'first.tar.gz');
    await writeFile(archive, first.archive);
    await unpack(archive, join(places.releases, first.version), first.manifest);
    await symlink(join(root, 'node_modules'), join(made.path, 'opt/cartwright/node_modules'));
    for (const link of [places.current, places.good]) await symlink(`releases/${first.version}`, link);
    const collector = await Collector.connect(site.broker.url, store, device);
    const units = await UnitsUnderTest.boot(made.path, { POISON: join(made.path, 'poison') });
    return new SoakDevice({ store, device, root: made.path }, units, collector, site.broker.url);
  }

  async remove(): Promise<void> {
    await this.units.cut();
    await this.collector.close();
    await rm(this.root, { recursive: true, force: true });
  }

  async state(): Promise<UpdaterState> {
    return readState(await readFile(placesUnder(this.root).state, 'utf8'));
  }

  /** Waits until the updater's state fits. Throws after `withinMs`. */
  async until(fits: (state: UpdaterState) => boolean, withinMs: number, what: string): Promise<UpdaterState> {
    for (const deadline = performance.now() + withinMs; performance.now() < deadline; await sleep(250)) {
      const state = existsSync(placesUnder(this.root).state) ? await this.state() : undefined;
      if (state !== undefined && fits(state)) return state;
    }
    throw new Error(`${this.store}: ${what} did not come; ${await this.tale()}`);
  }

  /** Waits for an event at the broker. */
  told(fits: (event: CartEvent) => boolean, withinMs: number, what: string): Promise<CartEvent> {
    return this.collector.until(fits, withinMs, `${this.store}: ${what}`).catch(async (error: unknown) => {
      throw new Error(`${String(error)}; ${await this.tale()}`);
    });
  }

  /** What the device says of its health, once that fits. Throws after `withinMs`. */
  async health(fits: (health: Health) => boolean, withinMs: number): Promise<Health> {
    let last: Health | undefined;
    const client = await connectAsync(this.#brokerUrl);
    try {
      client.on('message', (_topic, payload) => {
        last = decodePayload(gatewayHealth, payload);
      });
      await client.subscribeAsync(`cw/1/${this.store}/${this.device}/health`, { qos: 1 });
      for (const deadline = performance.now() + withinMs; performance.now() < deadline; await sleep(100))
        if (last !== undefined && fits(last)) return last;
    } finally {
      await client.endAsync(true);
    }
    throw new Error(
      `${this.store}: the health that was waited for did not come, but ${JSON.stringify(last?.update)}`,
    );
  }

  /** Waits until something has happened so many times. */
  async happened(what: RegExp, times: number, withinMs = 120_000): Promise<void> {
    for (const deadline = performance.now() + withinMs; performance.now() < deadline; await sleep(100))
      if (this.units.happened.filter((one) => what.test(one)).length >= times) return;
    throw new Error(`${this.store}: ${what} did not happen ${times} times; ${await this.tale()}`);
  }

  /** Events that are missing, or were told under another ledger than the first. */
  async problems(): Promise<string[]> {
    const lost = this.collector.unreported();
    const ledgers = new Set(this.collector.events.map(({ ledger }) => ledger));
    return [
      ...(lost.length === 0 ? [] : [`${this.store}/${this.device}: events ${lost.join(', ')} were lost`]),
      ...(ledgers.size <= 1 ? [] : [`${this.store}/${this.device}: ${ledgers.size} ledgers`]),
      ...this.collector.problems,
    ];
  }

  /** What happened here, for who has to find out why something did not. */
  async tale(): Promise<string> {
    const log = await Promise.all(
      ['cartwright.service', 'cartwright-update.service'].map((unit) =>
        readFile(join(this.root, 'units', `${unit}.log`), 'utf8').catch(() => ''),
      ),
    );
    const state = await this.state().catch(String);
    return [
      this.units.happened.join(', '),
      JSON.stringify(state),
      ...log.map((text) => text.slice(-3_000)),
    ].join('\n');
  }
}

async function configure(
  path: string,
  { store, device, caFile }: { readonly store: string; readonly device: string; readonly caFile: string },
): Promise<void> {
  const places = placesUnder(path);
  const config = parse(await readFile(join(path, 'cartwright.yaml'), 'utf8')) as Record<string, unknown>;
  const board = parse(await readFile(join(path, 'board.yaml'), 'utf8')) as { devices: object[] };
  const devices = [...board.devices, { id: 'probe', driver: 'probe', options: {} }];
  await writeFile(join(places.configFolder, 'board.yaml'), stringify({ ...board, devices }));
  await rename(join(path, 'cartwright.yaml'), join(path, 'unused.yaml'));
  await writeFile(
    places.config,
    stringify({
      ...config,
      ...{ store, device, data: places.data, healthS: 2 },
      drivers: [join(places.current, 'probe.mjs')],
      broker: { ...(config.broker as object), caFile },
      updates: { stateFile: places.state, releaseKeys: places.releaseKeys, maxBytesPerS: 20_000_000 },
    }),
  );
}
