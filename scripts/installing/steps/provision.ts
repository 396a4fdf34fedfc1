import { SetupError } from '../errors.ts';
import { isThere, type Machine } from '../machine.ts';
import type { Options } from '../options.ts';
import type { Step } from '../step.ts';
import { certificatePath, configPath } from './configuration.ts';

const program = '/opt/cartwright/current';

/** The device makes its key, and gets its certificate for the store's claim. */
export function provision({ provision: claim }: Pick<Options, 'provision'>): Step {
  return {
    title: 'identity',
    look(machine) {
      if (isThere(machine, certificatePath)) return { state: 'done', what: 'the device has its certificate' };
      if (claim === undefined)
        return { state: 'left', why: 'no claim was given (--provision); brokers with passwords need none' };
      if (machine.root !== '/')
        return {
          state: 'left',
          why: 'a key is made on the device alone: an image is provisioned at its first boot',
        };
      return { state: 'needed', plan: [`make the device's key and get its certificate (${claim})`] };
    },
    async act(machine) {
      await takeClaim(machine, claim ?? '');
    },
    // Keys and certificate are removed with their folder, where that is wanted.
    undo: async () => [],
  };
}

async function takeClaim(machine: Machine, claim: string): Promise<void> {
  const { status, stdout, stderr } = await machine.run(`${program}/node_modules/.bin/node`, [
    ...[`${program}/src/cli/main.ts`, 'provision', 'claim', claim],
    ...['--config', configPath],
  ]);
  for (const line of stdout.trim().split('\n')) if (line !== '') machine.say(line);
  if (status === 0) return;
  const again = status === 3 ? '; run setup again when it can be reached' : '';
  throw new SetupError(
    'CW-SYS-020',
    `${stderr.trim().split('\n').at(-1) || `provisioning ended with ${status}`}${again}`,
  );
}
