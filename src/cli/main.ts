import { keepCompiledCode } from '#base/compile-cache.ts';

keepCompiledCode();
const { runProgram } = await import('./program.ts');

process.exitCode = await runProgram(process.argv);
