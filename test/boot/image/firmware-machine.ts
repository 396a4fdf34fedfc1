import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import type { Duplex, Readable, Writable } from 'node:stream';
import { GuestAgent } from '#test/hil/machine/agent.ts';
import { Qmp } from '#test/hil/machine/qmp.ts';
import { findTool } from '#test/tools.ts';
import type { Architecture } from '#updates/facts.ts';
import { NotHere } from '../case.ts';

/** How a machine of each kind is emulated: with firmware, which looks for a boot loader on the disk as a real one does. */
const kinds = {
  x64: {
    program: 'qemu-system-x86_64',
    debian: 'qemu-system-x86',
    machine: ['-M', 'q35', '-cpu', 'max'],
    code: '/usr/share/OVMF/OVMF_CODE_4M.fd',
    variables: '/usr/share/OVMF/OVMF_VARS_4M.fd',
    firmware: 'ovmf',
  },
  arm64: {
    program: 'qemu-system-aarch64',
    debian: 'qemu-system-arm',
    machine: ['-M', 'virt', '-cpu', 'cortex-a72'],
    code: '/usr/share/AAVMF/AAVMF_CODE.fd',
    variables: '/usr/share/AAVMF/AAVMF_VARS.fd',
    firmware: 'qemu-efi-aarch64',
  },
} as const satisfies Record<Architecture, object>;

/** Throws NotHere where such a machine can't be emulated. */
export function mustEmulate(arch: Architecture): void {
  const { program, debian, code, firmware } = kinds[arch];
  if (findTool(program) === undefined)
    throw new NotHere(`it needs ${program} (Debian: apt-get install ${debian})`);
  if (findTool('socat') === undefined) throw new NotHere('it needs socat (Debian: apt-get install socat)');
  if (findTool('debugfs') === undefined)
    throw new NotHere('it needs debugfs (Debian: apt-get install e2fsprogs)');
  if (!existsSync(code)) throw new NotHere(`it needs ${code} (Debian: apt-get install ${firmware})`);
}

interface MachineOptions {
  readonly arch: Architecture;
  /** Raw; written to. */
  readonly disk: string;
  /** Firmware's variables, kept from one start to the next; made where it is not there. */
  readonly variables: string;
  /** Ports of our loopback by the addresses under which the machine finds them: `10.0.2.100:1883`. */
  readonly forwards: ReadonlyMap<string, number>;
  /** Raw, read-only: a second disk. */
  readonly stick?: string | undefined;
}

/** A machine from power-on until it is switched off or wants to start anew: each start is a QEMU of its own. */
export class FirmwareMachine {
  readonly guest: GuestAgent;
  /** Resolves with why QEMU ended: `guest-reset`, `guest-shutdown`, `guest-panic`, or `killed`. */
  readonly ended: Promise<string>;
  readonly #kill: () => void;
  readonly #said: () => string;

  static async start(options: MachineOptions): Promise<FirmwareMachine> {
    const { variables, arch } = options;
    if (!existsSync(variables)) await copyFile(kinds[arch].variables, variables);
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', kinds[arch].program, ...argumentsOf(options)], {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stderr, child.stdio[4] as Readable]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-60_000);
      });
      stream.on('error', () => {});
    }
    const qmp = new Qmp(child.stdout, child.stdin as Writable);
    let reason = 'killed';
    qmp.onEvent((event, data) => {
      if (event === 'SHUTDOWN') reason = String(data.reason);
    });
    const ended = new Promise<string>((resolve) => {
      child.once('exit', () => resolve(reason));
      child.once('error', (error) => resolve(error.message));
    });
    await qmp.open().catch(async (cause: unknown) => {
      await ended;
      throw new Error(`QEMU does not start: ${said.trim()}`, { cause });
    });
    const guest = new GuestAgent(child.stdio[3] as Duplex);
    return new FirmwareMachine(
      guest,
      ended,
      () => child.kill('SIGKILL'),
      () => said,
    );
  }

  private constructor(guest: GuestAgent, ended: Promise<string>, kill: () => void, said: () => string) {
    this.guest = guest;
    this.ended = ended;
    this.#kill = kill;
    this.#said = said;
  }

  /** Waits for the agent. Rejects where the machine ends before, or never gets there. */
  async up(withinMs = 3_600_000): Promise<void> {
    let tooLong: NodeJS.Timeout | undefined;
    try {
      await Promise.race([
        this.guest.booted,
        this.ended.then((why) => Promise.reject(new Error(`the machine ended (${why})`))),
        new Promise((_, reject) => {
          tooLong = setTimeout(() => reject(new Error('the agent does not answer')), withinMs);
        }),
      ]);
    } catch (cause) {
      throw new Error(`the machine does not come up: ${String(cause)}\n${this.console()}`, { cause });
    } finally {
      clearTimeout(tooLong);
    }
  }

  /** Runs a script as root; resolves with what it printed, rejects where it fails. */
  async sh(script: string): Promise<string> {
    const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    const { code, signal, stdout, stderr } = await this.guest.run([
      ...['/usr/bin/env', '-i', path, 'HOME=/root', '/bin/sh', '-c', script],
    ]);
    if (code === 0) return stdout;
    throw new Error(`in the machine (${code ?? signal}): ${script.slice(0, 300)}\n${stderr}${stdout}`);
  }

  /** The last of what firmware, boot loader and kernel said. */
  console(): string {
    return this.#said();
  }

  async kill(): Promise<void> {
    this.#kill();
    await this.ended;
  }
}

function argumentsOf({ arch, disk, variables, forwards, stick }: MachineOptions): string[] {
  const { machine, code } = kinds[arch];
  const socat = findTool('socat') ?? 'socat';
  const forwarded = [...forwards].map(
    ([address, port]) => `,guestfwd=tcp:${address}-cmd:${socat} - TCP:127.0.0.1:${port}`,
  );
  return [
    ...['-accel', 'tcg', ...machine, '-smp', '2', '-m', '1536', '-nodefaults', '-no-user-config'],
    // A machine that wants to start anew ends, so that each start can be told from the one before.
    ...['-display', 'none', '-action', 'reboot=shutdown,panic=shutdown'],
    ...['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${code}`],
    ...['-drive', `if=pflash,unit=1,format=raw,file=${variables}`],
    ...['-drive', `file=${disk},if=none,id=disk,format=raw,cache=unsafe`],
    ...['-device', 'virtio-blk-pci,drive=disk,bootindex=0', '-device', 'virtio-rng-pci'],
    ...(stick === undefined
      ? []
      : [
          '-drive',
          `file=${stick},if=none,id=stick,format=raw,readonly=on`,
          '-device',
          'virtio-blk-pci,drive=stick',
        ]),
    ...['-device', 'virtio-serial-pci', '-chardev', 'socket,id=agent,fd=3'],
    ...['-device', 'virtserialport,chardev=agent,name=hil.agent'],
    ...['-netdev', `user,id=net,restrict=on,ipv6=off${forwarded.join('')}`],
    ...['-device', 'virtio-net-pci,netdev=net,romfile='],
    ...['-chardev', 'socket,id=console,fd=4', '-serial', 'chardev:console', '-qmp', 'stdio'],
  ];
}
