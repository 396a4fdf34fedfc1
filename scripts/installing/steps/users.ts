import { groupOf, type Machine, mustRun, userOf } from '../machine.ts';
import type { Options } from '../options.ts';
import { file, make, missing } from '../parts.ts';
import { type Step, unmakeAll } from '../step.ts';

const sysusersFolder = '/etc/sysusers.d';

/** Users and groups, by systemd-sysusers: the gateway's, and those of what was asked for. */
export function users({ kiosk, console }: Pick<Options, 'kiosk' | 'console'>): Step {
  const wanted = [
    'cartwright',
    ...(console ? ['cartwright-console'] : []),
    ...(kiosk ? ['cartwright-kiosk'] : []),
  ];
  const part = ({ release }: Machine, name: string) =>
    file(`${sysusersFolder}/${name}.conf`, release.text(`systemd/sysusers-${name}.conf`));
  return {
    title: 'users',
    look(machine) {
      const plan = wanted.flatMap((name) => [
        ...[missing(machine, part(machine, name)) ?? []].flat(),
        ...(userOf(machine, name) === undefined ? [`make the user and group ${name}`] : []),
      ]);
      return plan.length === 0 ? { state: 'done', what: wanted.join(', ') } : { state: 'needed', plan };
    },
    async act(machine) {
      for (const name of wanted) {
        await make(machine, part(machine, name));
        if (userOf(machine, name) !== undefined) continue;
        await machine.record.add('users', name);
        const where = machine.root === '/' ? [] : [`--root=${machine.root}`];
        await mustRun(machine, 'systemd-sysusers', [...where, `${name}.conf`]);
      }
    },
    async undo(machine) {
      const lines: string[] = [];
      for (const name of machine.record.all('users')) {
        if (await removeUser(machine, name)) lines.push(`removed the user and group ${name}`);
      }
      const all = ['cartwright', 'cartwright-console', 'cartwright-kiosk'];
      const parts = all.map((name) => file(`${sysusersFolder}/${name}.conf`, ''));
      return [...lines, ...(await unmakeAll(machine, parts))];
    },
  };
}

async function removeUser(machine: Machine, name: string): Promise<boolean> {
  const where = machine.root === '/' ? [] : ['--prefix', machine.root];
  let removed = false;
  if (userOf(machine, name) !== undefined) {
    await mustRun(machine, 'userdel', [...where, name]);
    removed = true;
  }
  // Where the system's settings let userdel keep it.
  if (groupOf(machine, name) !== undefined) {
    await mustRun(machine, 'groupdel', [...where, name]);
    removed = true;
  }
  return removed;
}
