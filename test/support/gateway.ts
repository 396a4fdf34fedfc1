import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';
import { loadBoard } from '#config/load.ts';

export const store = 'test-store';
export const device = 'cart-0001';

export interface GatewayFolder {
  readonly path: string;
  readonly configPath: string;
  remove(): Promise<void>;
}

/**
 * A folder with a configuration of the virtual cart, its world's anchor and its data. Without the demo's simulated
 * microcontroller: these daemons are started by the dozen.
 */
export async function makeGatewayFolder(options: {
  readonly brokerUrl: string;
  /** A file of config/scenarios, without ending. */
  readonly scenario: string;
  readonly seed?: number;
  readonly loop?: boolean;
  readonly config?: Readonly<Record<string, unknown>>;
}): Promise<GatewayFolder> {
  const path = await mkdtemp(join(tmpdir(), 'cartwright-test-'));
  const board = await loadBoard(resolve('test/fixtures/boards/light-cart.yaml'));
  const world = {
    scenario: resolve(`config/scenarios/${options.scenario}.yaml`),
    anchor: join(path, 'anchor.json'),
    startOn: 'first-start',
    loop: options.loop ?? false,
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  };
  const devices = board.devices.map((entry) =>
    entry.driver === 'virtual-world' ? { ...entry, options: world } : entry,
  );
  await writeFile(join(path, 'board.yaml'), stringify({ ...board, devices }));
  const configPath = join(path, 'cartwright.yaml');
  await writeFile(
    configPath,
    stringify({
      cartwright: 1,
      store,
      device,
      board: 'board.yaml',
      calibration: resolve('config/calibrations/demo-cart.json'),
      catalogue: resolve('config/catalogues/demo.json'),
      data: 'data',
      status: { port: 0 },
      display: { port: 0 },
      ...options.config,
      broker: {
        url: options.brokerUrl,
        reconnectFirstMs: 100,
        reconnectMaxMs: 1000,
        ...(options.config?.broker as object | undefined),
      },
    }),
  );
  return { path, configPath, remove: () => rm(path, { recursive: true, force: true }) };
}

export interface DaemonUnderTest {
  readonly pid: number;
  /** The log so far, one JSON object a line. */
  readonly log: readonly string[];
  readonly statusUrl: string;
  /** The shopper's display. */
  readonly displayUrl: string;
  /** Monotonic time at which the daemon said that it runs, µs. */
  readonly runningAtUs: number;
  running(): boolean;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number>;
}

/** Starts the real daemon as a process of its own and resolves when it says that it runs. */
export async function startGateway(
  folder: Pick<GatewayFolder, 'configPath'>,
  args: {
    readonly record?: string;
    readonly raw?: boolean;
    readonly environment?: Readonly<Record<string, string>>;
    /** Program and arguments that run the daemon in their place, as `strace -D` does. */
    readonly under?: readonly string[];
  } = {},
): Promise<DaemonUnderTest> {
  const command =
    args.record === undefined
      ? ['src/main.ts', folder.configPath]
      : args.raw === true
        ? ['src/cli/main.ts', 'record', args.record, '-c', folder.configPath, '--raw']
        : ['src/cli/main.ts', 'run', '-c', folder.configPath, '--record', args.record];
  const [program = process.execPath, ...before] = [...(args.under ?? []), process.execPath];
  const child = spawn(program, [...before, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...args.environment },
  });
  const log: string[] = [];
  let statusUrl = '';
  let displayUrl = '';
  const runs = new Promise<void>((done, failed) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(line);
      if (line.includes('"status page"')) statusUrl = (JSON.parse(line) as { url: string }).url;
      if (line.includes('"shopper display"')) displayUrl = (JSON.parse(line) as { url: string }).url;
      if (line.includes('"gateway running"')) done();
    });
    createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
    child.once('exit', (code) =>
      failed(new Error(`the gateway ended with ${code}:\n${log.slice(-8).join('\n')}`)),
    );
  });
  await runs;
  runs.catch(() => {});
  return {
    pid: child.pid ?? 0,
    log,
    statusUrl,
    displayUrl,
    runningAtUs: Number(process.hrtime.bigint() / 1000n),
    running: () => child.exitCode === null && child.signalCode === null,
    kill: async () => {
      await end(child, 'SIGKILL');
    },
    stop: () => end(child, 'SIGTERM'),
  };
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<number> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
  return child.exitCode ?? 137;
}
