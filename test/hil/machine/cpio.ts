import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** The files of `folder` as a cpio archive (newc), which is what the kernel takes as initial RAM disk. */
export function packFolder(folder: string): Buffer {
  const parts: Buffer[] = [];
  let inode = 1;
  const add = (name: string, mode: number, data: Buffer) => {
    const fields = [inode++, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
    parts.push(padded(Buffer.from(header, 'latin1')), padded(data));
  };
  const walk = (path: string) => {
    for (const entry of readdirSync(path).sort()) {
      const full = join(path, entry);
      const status = statSync(full);
      add(relative(folder, full), status.mode, status.isDirectory() ? Buffer.alloc(0) : readFileSync(full));
      if (status.isDirectory()) walk(full);
    }
  };
  walk(folder);
  add('TRAILER!!!', 0, Buffer.alloc(0));
  return Buffer.concat(parts);
}

/** Headers with their names, and data, each fill whole groups of four bytes. */
function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
