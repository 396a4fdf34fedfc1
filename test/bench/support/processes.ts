import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The repository's root, with a slash at its end. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Ticks a second of the times in /proc/PID/stat; 100 on every Linux that Node.js runs on. */
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/**
 * Processor time that a process has used so far, all its threads together, µs: fields 14 and 15 of /proc/PID/stat
 * (utime and stime, proc(5)). Resolution is a tick, 10,000 µs. Throws where the process is gone.
 */
export function cpuUs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / ticksPerSecond;
}

/**
 * How long a process's main thread has been ready and waited for a processor, µs: the second field of schedstat
 * (Documentation/scheduler/sched-stats.rst). NaN where the kernel doesn't count it.
 */
export function waitedUs(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1_000;
  } catch {
    return Number.NaN;
  }
}

/** Puts a process before others where that is allowed: it stands for hardware, which no load of this machine holds up. */
export function prefer(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, -15);
  } catch {
    // Not root: it shares the processor like everybody.
  }
}

/** Resident memory of a process, bytes. */
export function rssBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * 1024;
}

export interface Running {
  readonly pid: number;
  readonly child: ChildProcess;
  /** The last lines that it wrote, for messages about its failure. */
  tail(): string;
  /** SIGTERM, and SIGKILL to what hasn't ended within ten seconds. */
  stop(): Promise<void>;
}

/**
 * Starts Node.js with a script of the repository or an absolute path; with `preferred` before other processes of the
 * machine, all its threads, where that is allowed.
 */
export function startNode(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  preferred = false,
): Running {
  const command = [...(preferred ? ['nice', '-n', '-15'] : []), process.execPath, ...args];
  const child = spawn(command[0] ?? process.execPath, command.slice(1), {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (data: Buffer) => {
      lines.push(data.toString());
      if (lines.length > 20) lines.shift();
    });
  }
  return {
    pid: child.pid ?? 0,
    child,
    tail: () => lines.join('').slice(-1_500),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

export interface ChildResult<T> {
  /** What it printed as JSON. */
  readonly value: T;
  /** From the start of the process to its end, ms. */
  readonly wallMs: number;
}

/** Runs a script to its end and reads the JSON on its standard output. Rejects where it fails. */
export async function runNode<T>(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ChildResult<T>> {
  const began = performance.now();
  const child = spawn(process.execPath, [...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  const wallMs = performance.now() - began;
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${code}: ${output.slice(-500)}`);
  return { value: JSON.parse(output) as T, wallMs };
}
