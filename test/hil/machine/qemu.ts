import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import type { Duplex, Readable, Writable } from 'node:stream';
import { findTool } from '#test/tools.ts';
import { Qmp } from './qmp.ts';

export const qemuProgram = 'qemu-system-x86_64';

export type Accelerator = 'kvm' | 'tcg';

/** First line of `qemu --version`, a part of the cache's key: a snapshot belongs to the QEMU that took it. */
export function qemuVersion(): string {
  return spawnSync(program(), ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0] ?? '';
}

function program(): string {
  const found = findTool(qemuProgram);
  if (found === undefined)
    throw new Error(`${qemuProgram} is missing (Debian: apt-get install qemu-system-x86)`);
  return found;
}

/**
 * KVM where it really works: in some virtual machines /dev/kvm is there and QEMU aborts on it, so it is tried.
 * CARTWRIGHT_HIL_ACCEL=tcg or =kvm decides without a trial.
 */
export async function chooseAccelerator(): Promise<Accelerator> {
  const asked = process.env.CARTWRIGHT_HIL_ACCEL;
  if (asked === 'kvm' || asked === 'tcg') return asked;
  const child = spawn(
    program(),
    [
      ...['-accel', 'kvm', '-cpu', 'host', '-M', 'pc', '-m', '64', '-nodefaults', '-display', 'none'],
      ...['-S', '-qmp', 'stdio'],
    ],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  );
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', () => resolve(null));
  });
  const qmp = new Qmp(child.stdout, child.stdin);
  const tooLong = setTimeout(() => child.kill('SIGKILL'), 10_000);
  try {
    await qmp.open();
    await qmp.execute('quit');
  } catch {
    // It ended by itself; its exit code says the rest.
  }
  const code = await ended;
  clearTimeout(tooLong);
  return code === 0 ? 'kvm' : 'tcg';
}

export interface Hardware {
  readonly accelerator: Accelerator;
  readonly kernel: string;
  readonly initialRamDisk: string;
  /** A qcow2 file that is written to. */
  readonly disk: string;
  /** What is shared read-only, by its tag, once the device is plugged in. */
  readonly shares: Readonly<Record<string, string>>;
  /** Port on the host's loopback that the guest reaches as 10.0.2.100:1883. */
  readonly brokerPort?: number | undefined;
  readonly snapshot?: string | undefined;
  /** 1024 where left out. */
  readonly memoryMegabytes?: number;
  /** Ports of the guest by those of the host's loopback that lead to them. */
  readonly forwards?: ReadonlyMap<number, number>;
  /** The shares are there from the start; no snapshot can be taken with them. */
  readonly sharesPlugged?: boolean;
}

export interface Qemu {
  readonly child: ChildProcess;
  readonly qmp: Qmp;
  /** The other end of the guest's /dev/virtio-ports/hil.agent. */
  readonly agent: Duplex;
  /** The last of what the kernel's console and QEMU itself said. */
  console(): string;
  kill(): Promise<void>;
}

/** The devices must be the same when a snapshot is taken and when it is restored; only what is behind them may differ. */
function hardwareArguments(hardware: Hardware): string[] {
  const forward =
    hardware.brokerPort === undefined
      ? ''
      : `,guestfwd=tcp:10.0.2.100:1883-cmd:${findTool('socat') ?? 'socat'} - TCP:127.0.0.1:${hardware.brokerPort}`;
  const inward = [...(hardware.forwards ?? [])].map(
    ([host, guest]) => `,hostfwd=tcp:127.0.0.1:${host}-:${guest}`,
  );
  return [
    ...['-accel', hardware.accelerator, '-cpu', hardware.accelerator === 'kvm' ? 'host' : 'max'],
    ...[
      '-M',
      'pc',
      '-smp',
      '1',
      '-m',
      String(hardware.memoryMegabytes ?? 1024),
      '-nodefaults',
      '-no-user-config',
      '-display',
      'none',
    ],
    ...['-kernel', hardware.kernel, '-initrd', hardware.initialRamDisk],
    ...['-append', 'console=ttyS0 root=/dev/vda rw quiet net.ifnames=0 mitigations=off panic=-1'],
    ...['-drive', `file=${hardware.disk},if=none,id=disk,format=qcow2,cache=unsafe,discard=unmap`],
    ...['-device', 'virtio-blk-pci,drive=disk', '-device', 'virtio-rng-pci'],
    ...['-device', 'virtio-serial-pci', '-chardev', 'socket,id=agent,fd=3'],
    ...['-device', 'virtserialport,chardev=agent,name=hil.agent'],
    ...['-netdev', `user,id=net,restrict=on,ipv6=off${forward}${inward.join('')}`],
    ...['-device', 'virtio-net-pci,netdev=net,romfile='],
    ...['-device', 'qemu-xhci,id=usb'],
    ...Object.entries(hardware.shares).flatMap(([tag, path]) => [
      ...['-fsdev', `local,id=${tag},path=${path},security_model=none,readonly=on`],
      ...(hardware.sharesPlugged === true ? ['-device', `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`] : []),
    ]),
    ...['-chardev', 'socket,id=console,fd=4', '-serial', 'chardev:console', '-qmp', 'stdio'],
    ...(hardware.snapshot === undefined ? [] : ['-loadvm', hardware.snapshot]),
  ];
}

/** Starts QEMU. It dies with the thread that started it, whatever becomes of that. */
export async function startQemu(hardware: Hardware): Promise<Qemu> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', program(), ...hardwareArguments(hardware)], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stderr, child.stdio[4] as Readable]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-16_000);
    });
    stream?.on('error', () => {});
  }
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      said += error.message;
      resolve();
    });
  });
  const qmp = new Qmp(child.stdout as Readable, child.stdin as Writable);
  try {
    await qmp.open();
  } catch (cause) {
    await ended;
    throw new Error(`QEMU does not start: ${said.trim()}`, { cause });
  }
  return {
    child,
    qmp,
    agent: child.stdio[3] as Duplex,
    console: () => said,
    kill: () => {
      child.kill('SIGKILL');
      return ended;
    },
  };
}
