import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Outcome } from './outcome.ts';
import type { Answer, Job } from './worker.ts';

/** Plays trips in worker processes, all at once; the outcomes stand in the order of the jobs, whoever was first. */
export async function playAll(
  jobs: readonly Job[],
  workers: number,
  onDone: (done: number) => void,
): Promise<Outcome[]> {
  const outcomes: (Outcome | undefined)[] = jobs.map(() => undefined);
  const rest = jobs.entries();
  let done = 0;
  const children: ChildProcess[] = [];
  const run = async () => {
    const child = fork(join(import.meta.dirname, 'worker.ts'), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    children.push(child);
    const ended = once(child, 'exit');
    for (const [index, job] of rest) {
      const reply = once(child, 'message');
      child.send(job);
      const answer = await Promise.race([reply, ended.then(() => undefined)]);
      if (answer === undefined) throw new Error(`a worker ended on ${JSON.stringify(job)}`);
      const [message] = answer as [Answer];
      if ('failed' in message) throw new Error(message.failed);
      outcomes[index] = message.outcome;
      done += 1;
      onDone(done);
    }
    child.disconnect();
    await ended;
  };
  try {
    await Promise.all(Array.from({ length: Math.min(workers, jobs.length) }, run));
  } finally {
    for (const child of children) if (child.connected) child.disconnect();
  }
  return outcomes.filter((outcome) => outcome !== undefined);
}
