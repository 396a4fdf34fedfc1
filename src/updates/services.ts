import { spawn } from 'node:child_process';
import { plainCause } from '#base/system-error.ts';
import { UpdateError } from './errors.ts';

/** What the updater needs of the service manager. */
export interface Services {
  /** Ends the gateway, or what runs in its place in safe mode. Rejects with CW-UPD-034. */
  stop(): Promise<void>;
  /** Starts it; whether it comes up is for its health to say. Rejects with CW-UPD-034. */
  start(): Promise<void>;
  /** Unit files changed. */
  reload(): Promise<void>;
  /** The gateway was given up: it keeps ending, or ended in safe mode. */
  hasFailed(): Promise<boolean>;
  /** Lets the updater itself go on in the background, once the machine is up. */
  goOnLater(): Promise<void>;
}

const gateway = 'cartwright.service';
const safeMode = 'cartwright-safe.service';
const updater = 'cartwright-update.service';

/** systemd's services, by its program (`systemctl`), which tests replace. */
export function systemServices(program = 'systemctl'): Services {
  const must = async (...args: string[]) => {
    const { code, said } = await run(program, args);
    if (code === 0) return;
    throw new UpdateError(
      'CW-UPD-034',
      `${program} ${args.join(' ')} ended with ${code}: ${said || 'it said nothing'}; see journalctl -u ${gateway}`,
    );
  };
  return {
    async stop() {
      // One after the other: when safe mode ends, whatever ends it, the gateway is started (OnSuccess= of its unit).
      await must('stop', safeMode);
      await must('stop', gateway);
    },
    async start() {
      // A unit that failed too often is not started again before that.
      await run(program, ['reset-failed', gateway, safeMode]);
      await must('start', '--no-block', gateway);
    },
    reload: () => must('daemon-reload'),
    async hasFailed() {
      const failed = await run(program, ['is-failed', '--quiet', gateway]);
      if (failed.code === 0) return true;
      return (await run(program, ['is-active', '--quiet', safeMode])).code === 0;
    },
    goOnLater: () => must('start', '--no-block', updater),
  };
}

interface Ran {
  readonly code: number;
  /** The last of what it said. */
  readonly said: string;
}

/** Runs a program to its end; one that can't be started has the code 127. */
export function run(
  program: string,
  args: readonly string[],
  options: { readonly uid?: number; readonly gid?: number; readonly withinMs?: number } = {},
): Promise<Ran> {
  const { withinMs, ...owner } = options;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      ...owner,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // Not spawn's own limit: its timer outlives a program that can't be started.
    const limit = withinMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), withinMs);
    const done = (ran: Ran) => {
      clearTimeout(limit);
      resolve(ran);
    };
    let said = '';
    const hear = (data: Buffer) => {
      said = (said + data.toString('utf8')).slice(-8_192);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', (error) => done({ code: 127, said: plainCause(error) }));
    child.once('close', (code) => done({ code: code ?? 1, said: said.trim() }));
  });
}
