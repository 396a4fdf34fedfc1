import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestFn } from 'ava';

/** Debian keeps daemons where a plain user's PATH does not look. */
const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Where a program of the system lies, or undefined. */
export function findTool(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * AVA's `test`, for tests that need programs of the system: where one is missing they are skipped by name, except with
 * CI=true, where they run and fail at its absence.
 *
 *     const test = needs(anyTest, 'mosquitto', 'mosquitto_sub');
 */
export function needs<Context>(test: TestFn<Context>, ...tools: readonly string[]): TestFn<Context> {
  const missing = tools.filter((tool) => findTool(tool) === undefined);
  if (missing.length === 0 || process.env.CI === 'true') return test;
  const skipping = (title: string, ...rest: unknown[]) =>
    (test.skip as (...args: unknown[]) => void)(`${title} [needs ${missing.join(', ')}]`, ...rest);
  return Object.assign(skipping, test, { serial: skipping }) as unknown as TestFn<Context>;
}
