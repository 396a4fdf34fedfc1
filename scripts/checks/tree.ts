import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SourceFile } from './rooms.ts';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The repository's own files: tracked ones, and new ones that git does not ignore; without git, all but what is installed or built. */
export function ownFiles(): string[] {
  try {
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return [...new Set(listed.split('\0'))].filter((path) => path !== '' && isFile(path)).sort();
  } catch {
    return globSync('{*,.*,**/*}', {
      cwd: root,
      exclude: ['node_modules', '**/dist', '.git', '.cache', '.setup'],
    })
      .filter(isFile)
      .sort();
  }
}

function isFile(path: string): boolean {
  return statSync(join(root, path), { throwIfNoEntry: false })?.isFile() === true;
}

export function readOwn(path: string): SourceFile {
  return { path, text: readFileSync(join(root, path), 'utf8') };
}

/** Shell scripts, by extension or by their first line. */
export function isShell(file: SourceFile): boolean {
  return file.path.endsWith('.sh') || /^#!.*\b(?:sh|bash|dash)\b/.test(file.text.slice(0, 80));
}
