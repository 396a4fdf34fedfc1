import type { Machine } from './machine.ts';
import type { Options } from './options.ts';
import type { Source } from './source.ts';
import type { Step } from './step.ts';
import { check } from './steps/check.ts';
import { configuration, releaseKeys } from './steps/configuration.ts';
import { folders } from './steps/folders.ts';
import { packages } from './steps/packages.ts';
import { provision } from './steps/provision.ts';
import { release } from './steps/release.ts';
import { clock, devices, journal, memory, temporary, watchdog } from './steps/system.ts';
import { consoleStep, displayStep, services, start } from './steps/units.ts';
import { users } from './steps/users.ts';

/** How a step ended, for the terminal and the log. */
export type Outcome = 'ok' | 'done' | 'would' | 'left' | 'removed';
export type Report = (
  number: number,
  total: number,
  title: string,
  outcome: Outcome | 'begin',
  lines: readonly string[],
) => void;

/** All that setup sees to, in order. */
export function stepsOf(source: Source, options: Options): readonly Step[] {
  return [
    check(source, options),
    packages(options),
    release(source),
    users(options),
    folders,
    releaseKeys(options),
    configuration(options),
    ...[devices, journal, clock, watchdog, temporary, memory],
    services,
    displayStep(options),
    consoleStep(options),
    provision(options),
    start(options),
  ];
}

/** Looks at one step after the other, and does what is needed; answers how many were. The first one that is impossible ends it. */
export async function setUp(
  steps: readonly Step[],
  machine: Machine,
  dryRun: boolean,
  report: Report,
): Promise<number> {
  let changes = 0;
  for (const [index, step] of steps.entries()) {
    const tell = (outcome: Outcome | 'begin', lines: readonly string[]) =>
      report(index + 1, steps.length, step.title, outcome, lines);
    const look = await step.look(machine);
    if (look.state === 'done') tell('ok', [look.what]);
    else if (look.state === 'left') tell('left', [look.why]);
    else if (dryRun) {
      changes++;
      tell('would', look.plan);
    } else {
      changes++;
      tell('begin', look.plan);
      await step.act(machine);
      tell('done', look.plan);
    }
  }
  return changes;
}

/** Takes away what every step brought, the last one first. */
export async function takeOff(
  steps: readonly Step[],
  machine: Machine,
  purge: boolean,
  report: Report,
): Promise<void> {
  const reversed = [...steps].reverse();
  for (const [index, step] of reversed.entries()) {
    const lines = await step.undo(machine, purge);
    report(index + 1, reversed.length, step.title, lines.length === 0 ? 'ok' : 'removed', lines);
  }
}
