import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { syncFolder } from '#base/atomic-file.ts';

/**
 * Takes what comes on standard input for a file, the whole of it or nothing: `node put-file.ts PATH`. A program of its own,
 * as it is run by the user whose folder that is.
 */
const [path = ''] = process.argv.slice(2);
const part = `${path}.part`;
await mkdir(dirname(path), { recursive: true, mode: 0o700 });
await rm(part, { force: true });
await pipeline(process.stdin, createWriteStream(part, { mode: 0o600, flush: true }));
await rename(part, path);
await syncFolder(dirname(path));
