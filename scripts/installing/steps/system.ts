import { rm } from 'node:fs/promises';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { at, isNamed, isThere, type Machine, mustRun, systemctl, textOf } from '../machine.ts';
import { file } from '../parts.ts';
import { partsStep, type Step } from '../step.ts';

const shipped = ({ release }: Machine, name: string) => release.text(`systemd/${name}`);

/** Runs what makes a running system take the change; an image has nothing running. */
const onLive = (act: (machine: Machine) => Promise<unknown>) => async (machine: Machine) => {
  if (machine.live) await act(machine);
};

/** Devices: who may open them, and that ModemManager leaves them alone. */
const reloadRules = onLive(async (machine) => {
  await mustRun(machine, 'udevadm', ['control', '--reload']);
  await mustRun(machine, 'udevadm', ['trigger', '--action=change']);
});
export const devices: Step = partsStep({
  title: 'devices',
  what: 'scanners, scales, cameras and buses are open to the gateway alone',
  parts: (machine) => [
    file('/etc/udev/rules.d/60-cartwright.rules', shipped(machine, '60-cartwright.rules')),
  ],
  changed: reloadRules,
  removed: reloadRules,
});

const restartJournal = onLive((machine) => systemctl(machine, 'try-restart', 'systemd-journald.service'));
const journalFolder = '/var/log/journal';
const journalParts = partsStep({
  title: 'journal',
  what: 'bounded to 96 MB, compressed, written seldom',
  parts: (machine) => [
    file('/etc/systemd/journald.conf.d/50-cartwright.conf', shipped(machine, 'journald-cartwright.conf')),
  ],
  changed: restartJournal,
  removed: restartJournal,
});

/** The journal is kept on the disk; where it was not before, its folder is setup's as well. */
export const journal: Step = {
  ...journalParts,
  async act(machine) {
    if (!isThere(machine, journalFolder)) await machine.record.add('made', journalFolder);
    await journalParts.act(machine);
  },
  async undo(machine, purge) {
    const lines = await journalParts.undo(machine, purge);
    if (!purge || !machine.record.has('made', journalFolder) || !isThere(machine, journalFolder))
      return lines;
    if (machine.live) await machine.run('journalctl', ['--relinquish-var']);
    await rm(at(machine, journalFolder), { recursive: true, force: true });
    return [...lines, `removed ${journalFolder}`];
  },
};

const timeService = 'systemd-timesyncd.service';
const otherTimeServices = ['chrony.service', 'ntpsec.service', 'ntp.service', 'openntpd.service'];

/** Another program that keeps the time, if one is enabled. */
function otherTimeService(machine: Machine): string | undefined {
  return otherTimeServices.find((name) =>
    isNamed(machine, `/etc/systemd/system/multi-user.target.wants/${name}`),
  );
}

function timeServiceEnabled(machine: Machine): boolean {
  return isNamed(machine, `/etc/systemd/system/sysinit.target.wants/${timeService}`);
}

/** The clock is set by a time server; which one is the network's to say, or the machine's configuration. */
export const clock: Step = partsStep({
  title: 'clock',
  what: 'kept by time servers of the network',
  parts: (machine) =>
    otherTimeService(machine) === undefined
      ? [
          file(
            '/etc/systemd/timesyncd.conf.d/50-cartwright.conf',
            shipped(machine, 'timesyncd-cartwright.conf'),
          ),
        ]
      : [],
  also: (machine) =>
    otherTimeService(machine) === undefined && !timeServiceEnabled(machine)
      ? `enable ${timeService}`
      : undefined,
  async changed(machine) {
    if (otherTimeService(machine) !== undefined) return;
    if (!timeServiceEnabled(machine)) {
      await machine.record.add('enabled', timeService);
      await systemctl(machine, 'enable', timeService);
    }
    if (machine.live) await systemctl(machine, 'restart', timeService);
  },
  async removed(machine) {
    if (machine.record.has('enabled', timeService)) await systemctl(machine, 'disable', timeService);
    if (machine.live) await systemctl(machine, 'try-restart', timeService);
  },
});

/** The hardware's watchdog, fed by the service manager. */
const reexecute = onLive((machine) => systemctl(machine, 'daemon-reexec'));
export const watchdog: Step = partsStep({
  title: 'watchdog',
  what: 'the hardware restarts a machine whose system hangs for 15 s',
  parts: (machine) => [
    file('/etc/systemd/system.conf.d/50-cartwright.conf', shipped(machine, 'watchdog-cartwright.conf')),
  ],
  changed: reexecute,
  removed: reexecute,
});

const tmpUnit = '/etc/systemd/system/tmp.mount';
const tmpWant = '/etc/systemd/system/local-fs.target.wants/tmp.mount';

/** Whether somebody else has settled what /tmp is. */
function tmpIsSettled(machine: Machine): string | undefined {
  if (/^[^#\s]+\s+\/tmp\s/m.test(textOf(machine, '/etc/fstab') ?? '')) return '/etc/fstab says what /tmp is';
  if (isNamed(machine, '/usr/lib/systemd/system/local-fs.target.wants/tmp.mount'))
    return 'this system has /tmp in memory by itself';
  if (isThere(machine, tmpUnit) && !machine.record.has('made', tmpUnit)) return `${tmpUnit} is another one`;
  return undefined;
}

/** Temporary files in memory; from the next start of the machine on, as what lies in /tmp now is in use. */
const temporaryParts = partsStep({
  title: 'temporary files',
  what: 'in memory',
  parts: (machine) => [file(tmpUnit, shipped(machine, 'tmp.mount'))],
  also: (machine) => (isNamed(machine, tmpWant) ? undefined : 'enable tmp.mount (at the next start)'),
  changed: async (machine) => void (await systemctl(machine, 'enable', 'tmp.mount')),
});
export const temporary: Step = {
  ...temporaryParts,
  look(machine) {
    const why = tmpIsSettled(machine);
    return why === undefined ? temporaryParts.look(machine) : { state: 'left', why };
  },
  async undo(machine, purge) {
    if (!machine.record.has('made', tmpUnit)) return [];
    await systemctl(machine, 'disable', 'tmp.mount');
    return temporaryParts.undo(machine, purge);
  },
};

const bootCommand = ['/boot/firmware/cmdline.txt', '/boot/cmdline.txt'];
const memoryWord = 'cgroup_enable=memory';

/** The Raspberry Pi's boot command, where this is one and its kernel counts no service's memory. */
function bootCommandOf(machine: Machine): string | undefined {
  const path = bootCommand.find((one) => isThere(machine, one));
  if (path === undefined) return undefined;
  const counted =
    machine.live && /\bmemory\b/.test(textOf(machine, '/sys/fs/cgroup/cgroup.controllers') ?? '');
  return counted && !machine.record.has('edited', `${path} ${memoryWord}`) ? undefined : path;
}

/** A Raspberry Pi's kernel bounds no service's memory unless it is told to at boot. */
export const memory: Step = {
  title: 'memory limits',
  look(machine) {
    const path = bootCommandOf(machine);
    if (path === undefined) return { state: 'done', what: 'the kernel counts the memory of services' };
    if (textOf(machine, path)?.split(/\s+/).includes(memoryWord) === true)
      return { state: 'done', what: `${path} says ${memoryWord}` };
    return { state: 'needed', plan: [`add ${memoryWord} to ${path} (it counts from the next start on)`] };
  },
  async act(machine) {
    const path = bootCommandOf(machine);
    if (path === undefined) return;
    await machine.record.add('edited', `${path} ${memoryWord}`);
    await rewrite(machine, path, (text) => `${text.trimEnd()} ${memoryWord}\n`);
  },
  async undo(machine) {
    const lines: string[] = [];
    for (const edit of machine.record.all('edited')) {
      const [path = '', word = ''] = edit.split(' ');
      if (!isThere(machine, path)) continue;
      await rewrite(machine, path, (text) => text.replace(` ${word}`, ''));
      lines.push(`took ${word} out of ${path}`);
    }
    return lines;
  },
};

async function rewrite(machine: Machine, path: string, change: (text: string) => string): Promise<void> {
  await writeFileAtomic(at(machine, path), change(textOf(machine, path) ?? ''), 0o755);
}
