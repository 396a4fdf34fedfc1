import { existsSync } from 'node:fs';
import { keepCompiledCode } from '#base/compile-cache.ts';

keepCompiledCode();
const { runProgram } = await import('./program.ts');

// Commands read a device's configuration as its service does, whom systemd names the folder.
if (existsSync('/etc/cartwright/credentials'))
  process.env.CREDENTIALS_DIRECTORY ??= '/etc/cartwright/credentials';
process.exitCode = await runProgram(process.argv);
