import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { CliError } from './errors.ts';
import { notice, shortPath } from './terminal.ts';

/** Where an installed gateway has its configuration. */
export const installedConfig = '/etc/cartwright/cartwright.yaml';

export interface ConfigChoice {
  readonly config?: string;
}

/** Lets a command take its configuration as an argument or by `--config`. */
export function withConfig(command: Command, fallback: string): Command {
  return command
    .argument('[config]', `configuration (default: $CARTWRIGHT_CONFIG, or ${installedConfig}${fallback})`)
    .option('-c, --config <file>', 'the same, for scripts');
}

export const demoFallback = ', or the demo';

/** The configuration that was asked for, or the installed one. Throws CW-CLI-001 where two different ones are given. */
export function chooseConfig(argument: string | undefined, { config }: ConfigChoice): string {
  if (argument !== undefined && config !== undefined && argument !== config) {
    throw new CliError('CW-CLI-001', `two configurations are given, ${argument} and ${config}; give one`);
  }
  return argument ?? config ?? process.env.CARTWRIGHT_CONFIG ?? installedConfig;
}

/** As `chooseConfig`; where nothing is given and nothing installed, the demo's, which it says on standard error. */
export function chooseConfigOrDemo(argument: string | undefined, choice: ConfigChoice): string {
  const path = chooseConfig(argument, choice);
  if (path !== installedConfig || existsSync(path)) return path;
  if (argument !== undefined || choice.config !== undefined) return path;
  const demo = shortPath(fileURLToPath(new URL('../../config/demo.yaml', import.meta.url)));
  notice(
    `no configuration is given and there is none at ${installedConfig}; this is about the demo, ${demo}`,
  );
  return demo;
}

/** Tells who starts a gateway without any configuration what to do; the gateway then says in its log what is missing. */
export function hintAtMissing(path: string): void {
  if (path !== installedConfig || existsSync(path)) return;
  notice(
    `there is no configuration at ${installedConfig}; name one with --config FILE (config/cartwright.example.yaml shows every key), or see a demo with: scripts/cartwright demo`,
  );
}
