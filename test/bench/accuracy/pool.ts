import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Outcome } from './outcome.ts';
import type { Answer, Job } from './worker.ts';

/** Plays trips in worker processes, all at once, and tells each outcome when it is there. */
export async function playAll(
  jobs: readonly Job[],
  workers: number,
  onDone: (job: Job, outcome: Outcome) => void,
): Promise<void> {
  const rest = jobs.values();
  const children: ChildProcess[] = [];
  const run = async () => {
    const child = fork(join(import.meta.dirname, 'worker.ts'), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // Hypotheses come and go by the thousand.
      execArgv: ['--max-semi-space-size=64'],
    });
    children.push(child);
    const ended = once(child, 'exit');
    for (const job of rest) {
      const reply = once(child, 'message');
      child.send(job);
      const answer = await Promise.race([reply, ended.then(() => undefined)]);
      if (answer === undefined) throw new Error(`a worker ended on ${JSON.stringify(job)}`);
      const [message] = answer as [Answer];
      if ('failed' in message) throw new Error(message.failed);
      onDone(job, message.outcome);
    }
    child.disconnect();
    await ended;
  };
  try {
    await Promise.all(Array.from({ length: Math.min(workers, jobs.length) }, run));
  } finally {
    for (const child of children) if (child.connected) child.disconnect();
  }
}
