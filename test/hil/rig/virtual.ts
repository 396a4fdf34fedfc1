import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { brokerInGuest, inGuest, type Machine, project, startMachine } from '../machine/machine.ts';
import { repository } from '../machine/recipe.ts';
import type { Hands, Rig, RigDevice } from './rig.ts';

/** Ids of users in the machine: the gateway's own, in the group that the udev rules name, and one without any rights. */
export const gatewayIds = { uid: 990, gid: 990 };
export const strangerIds = { uid: 991, gid: 991 };

const boardFile = 'test/hil/boards/vm.yaml';
/** Ports of the USB controllers of the machine: the first for each device by its place on the board, any free one to move to. */
const ports = [0, 1, 2, 3, 4, 5, 6, 7];

export interface VirtualRig extends Rig {
  readonly machine: Machine;
  /** Calls the far side of the devices: test/hil/gadgets/devices.ts. */
  gadget(name: string, ...args: readonly unknown[]): Promise<unknown>;
}

/** The virtual machine as a rig: its devices are made, none is plugged in yet, and the udev rules are installed. */
export async function startVirtualRig(brokerPort: number, log: (line: string) => void): Promise<VirtualRig> {
  const { devices } = parse(await readFile(join(repository, boardFile), 'utf8')) as { devices: RigDevice[] };
  const machine = await startMachine({ brokerPort, log });
  const { guest } = machine;
  const gadget = (name: string, ...args: readonly unknown[]) => guest.call(inGuest('gadgets'), name, ...args);
  try {
    await guest.sh(
      [
        `groupadd --gid ${gatewayIds.gid} cartwright`,
        `useradd --uid ${gatewayIds.uid} --gid ${gatewayIds.gid} --no-create-home cartwright`,
        `groupadd --gid ${strangerIds.gid} stranger`,
        `useradd --uid ${strangerIds.uid} --gid ${strangerIds.gid} --no-create-home stranger`,
        'mkdir --mode 1777 /var/tmp/rig',
        `cp ${project}/systemd/60-cartwright.rules /etc/udev/rules.d/`,
        'udevadm control --reload',
      ].join('\n'),
    );
    await gadget('makeAll');
  } catch (error) {
    await machine.stop();
    throw error;
  }
  return {
    name: 'the virtual machine',
    devices,
    board: `${project}/${boardFile}`,
    project,
    program: inGuest,
    brokerUrl: brokerInGuest,
    folder: '/var/tmp/rig',
    gatewayUser: gatewayIds,
    hands: handsOf(devices, gadget),
    patience: machine.image.accelerator === 'kvm' ? 2 : 10,
    machine,
    gadget,
    start: (argv, options) => guest.start(argv, options),
    run: (argv, options) => guest.run(argv, options),
    sh: (script, options) => guest.sh(script, options),
    stop: () => machine.stop(),
  };
}

function handsOf(devices: readonly RigDevice[], gadget: VirtualRig['gadget']): Hands {
  const usual = new Map(devices.map(({ id }, index) => [id, index]));
  const at = new Map(usual);
  return {
    async scan(id, text) {
      await gadget('scan', id, text, ']E0');
      return text;
    },
    async load(id, massMg) {
      await gadget('setLoad', id, massMg);
      return massMg;
    },
    async pull(id) {
      await gadget('pull', id);
    },
    async putBack(id) {
      await gadget('plugIn', id, at.get(id));
    },
    async putBackElsewhere(id) {
      const taken = [...at.values()];
      // Its own old one counts as taken.
      const port = ports.find((one) => !taken.includes(one));
      if (port === undefined) throw new Error('every port of the machine is taken');
      at.set(id, port);
      await gadget('plugIn', id, port);
    },
  };
}
