import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { plainCause } from '#base/system-error.ts';
import { UpdateError, updateCodes } from './errors.ts';
import { incomingPath, type Places, requestPath } from './places.ts';
import type { UpdateRequest } from './request.ts';
import { failureOf, type UpdaterState } from './state.ts';
import { readState } from './state-file.ts';

const program = join(import.meta.dirname, 'put-file.ts');

/** What the updater of this device knows. Rejects with CW-UPD-053 where there is none, -030 where that can't be read. */
export async function stateOfDevice(places: Places): Promise<UpdaterState> {
  const text = await readFile(places.state, 'utf8').catch((cause: unknown) => {
    throw new UpdateError(
      'CW-UPD-053',
      `${places.state} can't be read (${plainCause(cause)}): this machine was not set up from a release (scripts/setup), or the updater has not run yet (systemctl start cartwright-update)`,
      { cause },
    );
  });
  return readState(text);
}

/** Lays an archive where the gateway lays what it has fetched; answers its name there. Rejects with CW-UPD-031. */
export async function handArchive(places: Places, archive: string, version: string): Promise<string> {
  const name = `${version}.tar.gz`;
  await put(places, [...incomingPath, name], createReadStream(archive));
  return name;
}

/** Asks the updater as the gateway does; its unit runs when the file changes. Answers the request's id. */
export async function handRequest(
  places: Places,
  request: Pick<UpdateRequest, 'action' | 'version'> & Partial<UpdateRequest>,
): Promise<string> {
  const id = randomUUID();
  await put(places, requestPath, Readable.from([JSON.stringify({ request: 1, id, ...request })]));
  return id;
}

/** Throws what the updater refused, where that was the last thing it did. */
export function throwRefusal({ happenings }: UpdaterState): void {
  const last = happenings.at(-1);
  if (last?.what === 'refused') throw updateErrorOf(last.code, last.why);
}

/** Throws why a version is not in service after its trial. */
export function throwFailure(state: UpdaterState, version: string): void {
  if (state.good === version) return;
  const failed = failureOf(state, version);
  throw updateErrorOf(
    failed?.code,
    `release ${version} was taken back, and ${state.good} is in service: ${failed?.why ?? 'the updater does not say why'}`,
  );
}

function updateErrorOf(code = '', why = ''): UpdateError {
  const known = Object.keys(updateCodes).find((one) => one === code) as keyof typeof updateCodes | undefined;
  return new UpdateError(known ?? 'CW-UPD-031', why);
}

/** Writes below the gateway's folder as its owner: links that somebody laid there reach no further than that user does. */
async function put(places: Places, parts: readonly string[], source: Readable): Promise<void> {
  const { uid, gid } = await stat(places.data);
  const owner = process.getuid?.() === uid ? {} : { uid, gid };
  const path = join(places.data, ...parts);
  const child = spawn(process.execPath, [program, path], {
    ...owner,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (data: Buffer) => {
    said = (said + data.toString('utf8')).slice(-500);
  });
  const ended = new Promise<number>((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', (code) => resolve(code ?? 1));
  });
  const poured = await pipeline(source, child.stdin).then(
    () => undefined,
    (error: unknown) => plainCause(error),
  );
  const code = await ended;
  if (code === 0 && poured === undefined) return;
  throw new UpdateError(
    'CW-UPD-031',
    `${path} can't be written: ${said.trim() || poured || `its writer ended with ${code}`}`,
  );
}
