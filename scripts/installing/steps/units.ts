import { rm } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { SetupError } from '../errors.ts';
import { at, isNamed, isThere, type Machine, systemctl } from '../machine.ts';
import type { Options } from '../options.ts';
import { file, type Part } from '../parts.ts';
import { partsStep, type Step } from '../step.ts';

const unitFolder = '/etc/systemd/system';

/** The units of every device. Those of display and console come where they are asked for. */
const units = [
  ...['cartwright.service', 'cartwright-safe.service', 'cartwright-clock.service'],
  ...['cartwright-power.path', 'cartwright-power.service'],
  ...['cartwright-update.path', 'cartwright-update.service', 'cartwright-update-boot.service'],
  ...['cartwright-renew.timer', 'cartwright-renew.service'],
];
const display = ['cartwright-kiosk.service'];
const console = ['cartwright-console.service'];

const unitPart = ({ release }: Machine, name: string) =>
  file(`${unitFolder}/${name}`, release.text(`systemd/${name}`));

/** Where systemd links a unit to when it is enabled, by what the unit says. */
export function wants(machine: Machine, name: string): readonly string[] {
  const line = /^WantedBy=(.*)$/m.exec(machine.release.text(`systemd/${name}`))?.[1];
  return (line ?? '')
    .split(' ')
    .flatMap((target) => (target === '' ? [] : `${unitFolder}/${target}.wants/${name}`));
}

/** Units are written and enabled; what runs is started at the end. */
function unitsStep(
  title: string,
  what: string,
  names: readonly string[],
  more: (machine: Machine) => Part[],
): Step {
  const enabled = (machine: Machine) => names.filter((name) => wants(machine, name).length > 0);
  const disabled = (machine: Machine) =>
    enabled(machine).filter((name) => wants(machine, name).some((path) => !isNamed(machine, path)));
  const step = partsStep({
    title,
    what,
    parts: (machine) => [...names.map((name) => unitPart(machine, name)), ...more(machine)],
    also(machine) {
      const off = disabled(machine);
      return off.length === 0 ? undefined : `enable ${off.join(', ')}`;
    },
    async changed(machine) {
      if (machine.live) await systemctl(machine, 'daemon-reload');
      const off = disabled(machine);
      if (off.length > 0) await systemctl(machine, 'enable', ...off);
    },
  });
  return {
    ...step,
    async undo(machine, purge) {
      const there = names.filter((name) => isThere(machine, `${unitFolder}/${name}`));
      if (there.length === 0) return [];
      const on = there.filter((name) => wants(machine, name).length > 0);
      // Safe mode's end starts the gateway again, unless that is stopped after it.
      if (machine.live)
        for (const some of [['cartwright-safe.service'], there])
          await machine.run('systemctl', ['stop', ...some]);
      if (on.length > 0) await systemctl(machine, 'disable', ...on);
      if (machine.live) await machine.run('systemctl', ['clean', '--what=state', ...timersOf(there)]);
      const lines = [...(await step.undo(machine, purge))];
      if (purge) for (const name of there) lines.push(...(await removeAdditions(machine, name)));
      if (machine.live) {
        await systemctl(machine, 'daemon-reload');
        // Of those that failed, systemd remembers it beyond their files.
        await machine.run('systemctl', ['reset-failed', 'cartwright*']);
      }
      return lines;
    },
  };
}

/** What an operator has added to a unit (`systemctl edit`). */
async function removeAdditions(machine: Machine, name: string): Promise<string[]> {
  const folder = `${unitFolder}/${name}.d`;
  if (!isThere(machine, folder)) return [];
  await rm(at(machine, folder), { recursive: true, force: true });
  return [`removed ${folder}`];
}

const timersOf = (names: readonly string[]) => names.filter((name) => name.endsWith('.timer'));

const smallMachineBytes = 1.5 * 1024 ** 3;

/** The bound of memory that the unit names would be no bound on a small machine. */
function memoryDropIn({ live }: Machine): Part[] {
  if (!live || totalmem() >= smallMachineBytes) return [];
  const limits = '# This machine has less than 1.5 GiB of memory.\n[Service]\nMemoryMax=65%\n';
  return [file(`${unitFolder}/cartwright.service.d/10-cartwright-memory.conf`, limits)];
}

export const services: Step = unitsStep(
  'services',
  'gateway, safe mode, clock, updates, certificate',
  units,
  memoryDropIn,
);

/** The shopper's display, on this machine's screen. */
export function displayStep({ kiosk }: Pick<Options, 'kiosk'>): Step {
  const step = unitsStep('display', 'Chromium on the screen, nothing else', display, () => []);
  return kiosk ? step : { ...step, look: () => ({ state: 'left', why: 'not asked for (--kiosk)' }) };
}

/** The technicians' console, on a machine of the store. */
export function consoleStep(options: Pick<Options, 'console'>): Step {
  const step = unitsStep('console', 'starts where /etc/cartwright/console.conf says how', console, () => [
    file('/etc/cartwright/console.example.conf', consoleExample),
  ]);
  return options.console
    ? step
    : { ...step, look: () => ({ state: 'left', why: 'not asked for (--console)' }) };
}

const consoleExample = `# How cartwright-console.service is started: copy this to console.conf and change it. docs/technician/console.md explains
# each of these; paths that are not absolute lie below /var/lib/cartwright-console.
CARTWRIGHT_CONSOLE=--store my-store --broker mqtts://broker.my-store.example --page-broker wss://broker.my-store.example:8884 --keys keys.json --username console --password-file broker-password --make-certificate --name console.my-store.example --listen 0.0.0.0:8443
`;

const startedInTurn = [
  ...['cartwright-clock.service', 'cartwright-update-boot.service'],
  ...['cartwright-power.path', 'cartwright-update.path', 'cartwright-renew.timer'],
];

/** Whether a service runs, and from this very release. */
async function runs(machine: Machine, name: string, version: string): Promise<boolean> {
  const { stdout } = await machine.run('systemctl', ['show', '--property=ActiveState,ExecMainPID', name]);
  if (!stdout.includes('ActiveState=active')) return false;
  const id = /ExecMainPID=(\d+)/.exec(stdout)?.[1] ?? '0';
  if (!name.startsWith('cartwright.')) return true;
  const { stdout: program } = await machine.run('readlink', [`/proc/${id}/exe`]);
  return program.includes(`/opt/cartwright/releases/${version}/`);
}

/** Starts what was set up, and waits until the gateway says that it is ready. */
export function start(options: Pick<Options, 'start' | 'kiosk' | 'console'>): Step {
  const wanted = (machine: Machine) => [
    ...startedInTurn,
    ...(isThere(machine, '/etc/cartwright/cartwright.yaml') ? ['cartwright.service'] : []),
    ...(options.kiosk ? display : []),
    ...(options.console && isThere(machine, '/etc/cartwright/console.conf') ? console : []),
  ];
  const down = async (machine: Machine) => {
    const found: string[] = [];
    for (const name of wanted(machine))
      if (!(await runs(machine, name, machine.release.version))) found.push(name);
    return found;
  };
  return {
    title: 'start',
    async look(machine) {
      if (!machine.live) return { state: 'left', why: 'nothing runs here; it starts with the system' };
      if (!options.start)
        return { state: 'left', why: 'not wanted (--no-start); it starts with the machine' };
      const names = await down(machine);
      if (names.length === 0) return { state: 'done', what: 'all runs' };
      return { state: 'needed', plan: names.map((name) => `start ${name}`) };
    },
    async act(machine) {
      for (const name of await down(machine)) {
        machine.say(`starting ${name} …`);
        if (name === 'cartwright.service') await startGateway(machine);
        else await systemctl(machine, 'restart', name);
      }
    },
    undo: async () => [],
  };
}

async function startGateway(machine: Machine): Promise<void> {
  await machine.run('systemctl', ['reset-failed', 'cartwright.service']);
  const { status } = await machine.run('systemctl', ['restart', 'cartwright.service']);
  if (status === 0) return;
  const { stdout } = await machine.run('journalctl', [
    ...['--unit=cartwright.service', '--lines=8', '--output=cat', '--no-pager'],
  ]);
  for (const line of stdout.trim().split('\n')) machine.say(line);
  throw new SetupError(
    'CW-SYS-018',
    "the gateway does not start (its last words are above); 'journalctl -u cartwright' has them all, 'scripts/cartwright doctor' looks for causes",
  );
}
