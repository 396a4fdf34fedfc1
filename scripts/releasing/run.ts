import { spawn } from 'node:child_process';
import { ReleaseFailure } from './failure.ts';

/** Runs a program to its end and answers what it printed. Rejects with its last words where it fails. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const parts: Buffer[] = [];
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => parts.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4_000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', (cause) => {
      reject(new ReleaseFailure(`${program} can't be started: ${cause.message}`, { cause }));
    });
  });
  const out = Buffer.concat(parts).toString();
  if (code === 0) return out;
  const last = said.trim() || out.trim().slice(-1_000);
  throw new ReleaseFailure(`${program} ${args[0] ?? ''} failed (${code}): ${last}`);
}
