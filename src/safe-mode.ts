import { keepCompiledCode } from '#base/compile-cache.ts';

keepCompiledCode();
const { runSafeMode } = await import('#gateway/safe-mode.ts');

/** What runs in place of a gateway that can't: `systemd/cartwright-safe.service`. */
const code = await runSafeMode(process.argv[2] ?? '/etc/cartwright/cartwright.yaml', process.env);
process.exit(code);
