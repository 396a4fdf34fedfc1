import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { natsUsers } from '#cli/nats-users.ts';
import { findTool } from '#test/tools.ts';
import { freePort } from './mosquitto.ts';
import { makeAuthority } from './openssl-authority.ts';

export interface NatsNode {
  readonly url: string;
  readonly pid: () => number;
  /** Ends it at once (SIGKILL). */
  kill(): Promise<void>;
  /** Starts it with what it kept; resolves when it listens for MQTT. */
  start(): Promise<void>;
  /** True when all of its replicas have caught up, as it says itself. */
  current(): Promise<boolean>;
}

export interface NatsCluster {
  readonly nodes: readonly NatsNode[];
  readonly urls: readonly string[];
  readonly folder: string;
  /** Files of a certificate that the store's authority issued for a name. */
  client(name: string): { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
  /** Writes users.conf anew on every node and has it read, as systemctl reload does. */
  setUsers(devices: readonly string[]): Promise<void>;
  remove(): Promise<void>;
}

const shipped = join(import.meta.dirname, '../../config/nats/nats-server.conf');
const nodeCount = 3;

interface Ports {
  readonly local: number;
  readonly http: number;
  readonly mqtt: number;
  readonly cluster: number;
}

/** Three real nodes on loopback with the configuration that is shipped, certificates of an authority of their own. */
export async function startNats(store: string, devices: readonly string[]): Promise<NatsCluster> {
  const program = findTool('nats-server');
  if (program === undefined) throw new Error('nats-server is not installed');
  const folder = await mkdtemp(join(tmpdir(), 'nats-'));
  const authority = makeAuthority(folder, 'store');
  const nodesAuthority = makeAuthority(folder, 'nodes');
  const ports: Ports[] = [];
  for (let i = 0; i < nodeCount; i++) {
    const [local, http, mqtt, cluster] = [
      ...[await freePort(), await freePort()],
      ...[await freePort(), await freePort()],
    ];
    if (local === undefined || http === undefined || mqtt === undefined || cluster === undefined) continue;
    ports.push({ local, http, mqtt, cluster });
  }
  const broker = authority.issue('broker', 'IP:127.0.0.1');
  const between = nodesAuthority.issue('node', 'IP:127.0.0.1');
  const writeUsers = async (names: readonly string[]) => {
    const text = natsUsers({ store, devices: names, subject: 'CN={name}' });
    for (let i = 0; i < nodeCount; i++) await writeFile(join(folder, `node-${i}`, 'users.conf'), text);
  };
  for (const [i, { local, http, mqtt, cluster }] of ports.entries()) {
    const home = join(folder, `node-${i}`);
    await mkdir(home);
    await copyFile(shipped, join(home, 'nats-server.conf'));
    const routes = ports.map((other) => `"nats-route://127.0.0.1:${other.cluster}"`);
    await writeFile(
      join(home, 'node.conf'),
      `node_name: node-${i}
local_listen: "127.0.0.1:${local}"
local_http: "127.0.0.1:${http}"
mqtt_listen: "127.0.0.1:${mqtt}"
cluster_listen: "127.0.0.1:${cluster}"
cluster_routes: [ ${routes.join(', ')} ]
certificate: "${broker.cert}"
certificate_key: "${broker.key}"
authority: "${authority.ca}"
cluster_certificate: "${between.cert}"
cluster_certificate_key: "${between.key}"
cluster_authority: "${nodesAuthority.ca}"
store_folder: "${join(home, 'store')}"
store_bytes: 2GB
`,
    );
  }
  await writeUsers(devices);
  const nodes = ports.map(({ http, mqtt }, i) => new Node(program, join(folder, `node-${i}`), http, mqtt));
  const issued = new Map<string, { caFile: string; certFile: string; keyFile: string }>();
  const cluster: NatsCluster = {
    nodes,
    urls: nodes.map(({ url }) => url),
    folder,
    client(name) {
      const known = issued.get(name);
      if (known !== undefined) return known;
      const { cert, key } = authority.issue(name, `URI:cartwright:${store}/${name}`);
      const files = { caFile: authority.ca, certFile: cert, keyFile: key };
      issued.set(name, files);
      return files;
    },
    async setUsers(names) {
      await writeUsers(names);
      for (const node of nodes) node.reload();
    },
    async remove() {
      await Promise.all(nodes.map((node) => node.kill()));
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all(nodes.map((node) => node.start()));
    // A session that is asked for before they have chosen who leads may never be answered.
    for (let tries = 0; tries < 60; tries++) {
      if ((await Promise.all(nodes.map((node) => node.current()))).every((isCurrent) => isCurrent)) break;
      await sleep(500);
    }
  } catch (error) {
    await cluster.remove();
    throw error;
  }
  return cluster;
}

class Node implements NatsNode {
  readonly url: string;
  readonly #program: string;
  readonly #home: string;
  readonly #http: number;
  #child: ChildProcess | undefined;
  #output = '';

  constructor(program: string, home: string, http: number, mqtt: number) {
    this.#program = program;
    this.#home = home;
    this.#http = http;
    this.url = `mqtts://127.0.0.1:${mqtt}`;
  }

  pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<void> {
    const child = spawn(this.#program, ['-c', join(this.#home, 'nats-server.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    child.stderr?.on('data', (data: Buffer) => {
      this.#output = (this.#output + data.toString()).slice(-4_000);
    });
    for (let tries = 0; tries < 600; tries++) {
      if (child.exitCode !== null) throw new Error(`nats-server ended: ${this.#output}`);
      if (await this.#listens()) return;
      await sleep(50);
    }
    throw new Error(`nats-server does not get well: ${this.#output}`);
  }

  async #listens(): Promise<boolean> {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(this.url).port) });
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }

  async current(): Promise<boolean> {
    try {
      return (await fetch(`http://127.0.0.1:${this.#http}/healthz`)).ok;
    } catch {
      return false;
    }
  }

  reload(): void {
    this.#child?.kill('SIGHUP');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}
