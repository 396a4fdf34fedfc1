import { constants, enableCompileCache, flushCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const flushAfterMs = 20_000;

/**
 * Keeps what Node.js makes of the sources (types stripped, code compiled) for the next start, which it about halves.
 * Call it before anything else is imported. The folder is `NODE_COMPILE_CACHE` where that is set, else one of this
 * user's own: the service's `CacheDirectory=`, `XDG_CACHE_HOME` or `~/.cache`. Where none can be written, the start is
 * merely slower.
 */
export function keepCompiledCode(environment: NodeJS.ProcessEnv = process.env): void {
  const { NODE_COMPILE_CACHE, CACHE_DIRECTORY, XDG_CACHE_HOME } = environment;
  const folder =
    NODE_COMPILE_CACHE ?? join(CACHE_DIRECTORY ?? XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'cartwright');
  const { status, directory } = enableCompileCache(folder);
  if (status === constants.compileCacheStatus.FAILED || status === constants.compileCacheStatus.DISABLED)
    return;
  // Threads and children find it through the environment; `directory` names this version's folder in it.
  if (NODE_COMPILE_CACHE === undefined && directory !== undefined) environment.NODE_COMPILE_CACHE = folder;
  // It is written at an orderly end, which a device that is switched off never has.
  setTimeout(flushCompileCache, flushAfterMs).unref();
}
