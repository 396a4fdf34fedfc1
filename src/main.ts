import { keepCompiledCode } from '#base/compile-cache.ts';

keepCompiledCode();
const { runDaemon } = await import('#gateway/daemon.ts');

/** The daemon: configuration → gateway → run until a signal. `cartwright run` is the same with a help text. */
const code = await runDaemon({
  configPath: process.argv[2] ?? process.env.CARTWRIGHT_CONFIG ?? '/etc/cartwright/cartwright.yaml',
});
process.exit(code);
