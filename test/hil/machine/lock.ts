import { spawn } from 'node:child_process';

/**
 * Waits until nobody else holds the lock file, and holds it. The kernel frees it with the process that holds it, however
 * that ends: `flock` runs as a child that lives as long as its standard input.
 */
export async function holdLock(path: string): Promise<() => Promise<void>> {
  const child = spawn('flock', [path, 'sh', '-c', 'echo held; cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((held, failed) => {
    child.stdout.once('data', () => held());
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`flock ended with ${code}`)));
  });
  return async () => {
    child.stdin.end();
    await ended;
  };
}
