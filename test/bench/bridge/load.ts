import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findTool } from '../../tools.ts';
import type { BenchContext, PartResult } from '../support/part.ts';
import { prefer, root, runNode } from '../support/processes.ts';
import type { LoadResult } from './reader.ts';

const baudRate = 500_000;
const rate = 320;

/**
 * Eight cells at 320 samples a second over a line of 500 kBd, in real time: through a pty and serialport where socat is
 * there, else over TCP. The bridge is simulated in a process of its own, which does not count.
 */
export async function runLoad(part: string, context: BenchContext): Promise<PartResult> {
  const feed = spawn(process.execPath, ['test/bench/bridge/feed.ts', String(rate), String(baudRate)], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  prefer(feed.pid);
  const ends: (() => Promise<unknown>)[] = [
    async () => {
      const exited = once(feed, 'exit');
      feed.stdin.end();
      await exited;
    },
  ];
  try {
    const [port] = (await once(createInterface({ input: feed.stdout }), 'line')) as [string];
    const seconds = context.quick ? '5' : '60';
    const where = await line(port, context, ends);
    const reader = join(import.meta.dirname, 'reader.ts');
    const { value } = await runNode<LoadResult>([reader, where, String(baudRate), seconds]);
    const note = `${Math.round(value.samples / value.seconds)} samples/s over ${where.startsWith('/') ? 'a pty' : 'TCP'}, driver and weighing; ${value.samples} samples, ${value.damaged} damaged messages`;
    return [
      { part, what: '8 cells × 320 SPS: processor', unit: '% of a core', value: 100 * value.cpuShare, note },
      {
        part,
        what: '8 cells × 320 SPS: samples lost in the host',
        unit: 'samples',
        value: value.lost,
        goal: { atMost: 0 },
        note: `${value.framesLost} frames missing by their sequence`,
      },
    ];
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** Where the bridge behind a TCP port is reached: a pty of socat's, or that port itself. `ends` gets what ends it. */
export async function line(
  port: string,
  { folder }: BenchContext,
  ends: (() => Promise<unknown>)[],
): Promise<string> {
  const tool = findTool('socat');
  if (tool === undefined) return port;
  const path = join(folder, 'bridge-tty');
  const args = ['-d', '-d', `pty,raw,echo=0,link=${path}`, `tcp:127.0.0.1:${port},nodelay`];
  const socat = spawn(tool, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  prefer(socat.pid);
  ends.push(async () => {
    if (socat.exitCode !== null || socat.signalCode !== null) return;
    const exited = once(socat, 'exit');
    socat.kill('SIGTERM');
    await exited;
  });
  for await (const told of createInterface({ input: socat.stderr })) {
    if (!told.includes('starting data transfer loop')) continue;
    socat.stderr.resume();
    return path;
  }
  throw new Error('socat ended before its pty was there');
}
