import { setTimeout as sleep } from 'node:timers/promises';
import type { GuestProcess, RunOptions } from '../machine/agent.ts';
import { gatewayIds, type VirtualRig } from '../rig/virtual.ts';

export type Line = Readonly<Record<string, unknown>>;

/** A device that a process of its own has opened by its driver, on the rig's computer. */
export interface OpenedDevice {
  readonly lines: readonly Line[];
  /** Waits for the first line that fits among those from `since` on. */
  line(what: string, fits: (line: Line) => boolean, since?: number): Promise<Line>;
  /** Calls the device; resolves with what it printed. */
  call(name: string, args: unknown): Promise<Line>;
  /** Stops it; resolves with what else it printed to its error output. */
  end(): Promise<string>;
}

/** Starts it as the gateway's user; the first line is `opened` or `refused`, after readings that came before. */
export async function openOn(
  rig: VirtualRig,
  board: string,
  id: string,
  who: RunOptions = gatewayIds,
): Promise<OpenedDevice> {
  return watch(rig, id, await rig.start(['node', rig.program('open'), board, id], who));
}

/** Reads what a process prints of devices, a JSON object a line. */
export function watch(rig: VirtualRig, id: string, process: GuestProcess): OpenedDevice {
  const lines: Line[] = [];
  let ended: string | undefined;
  process.onLine((text) => lines.push(JSON.parse(text) as Line));
  void process.finished.then(({ stderr }) => {
    ended = stderr;
  });
  const withinMs = 15_000 * rig.patience;
  const line = async (what: string, fits: (line: Line) => boolean, since = 0) => {
    for (const deadline = performance.now() + withinMs; ; await sleep(10)) {
      // Before what it printed is looked at: the last lines may come with its end.
      const isOver = ended !== undefined || performance.now() > deadline;
      const found = lines.slice(since).find(fits);
      if (found !== undefined) return found;
      if (!isOver) continue;
      const last = lines.slice(-5).map((each) => JSON.stringify(each));
      throw new Error(
        `${id}: no ${what}; it printed ${lines.length} lines: ${last.join(' ')} ${ended ?? ''}`,
      );
    }
  };
  return {
    lines,
    line,
    async call(name, args) {
      const since = lines.length;
      await process.write(`${JSON.stringify({ call: name, args })}\n`);
      return line(`answer to ${name}`, (each) => each.called === name, since);
    },
    async end() {
      await process.end();
      return (await process.finished).stderr;
    },
  };
}

/** Opens it; a chip that was late on the emulated processor is opened again, as the gateway does. */
export async function openInTime(rig: VirtualRig, board: string, id: string): Promise<OpenedDevice> {
  for (let tries = 1; ; tries++) {
    const device = await openOn(rig, board, id);
    const first = await device.line('opening', (line) => 'opened' in line || 'refused' in line);
    if (!('refused' in first)) return device;
    await device.end();
    const isLate = first.refused === 'CW-DRV-011' || first.refused === 'CW-DRV-013';
    if (!isLate || tries === 4) throw new Error(`${id} is refused: ${JSON.stringify(first)}`);
  }
}

/** Why it can't be opened. Rejects where it can. */
export async function refusalOf(
  rig: VirtualRig,
  board: string,
  id: string,
  who: RunOptions = gatewayIds,
): Promise<{ readonly refused: unknown; readonly message: string }> {
  const device = await openOn(rig, board, id, who);
  const { refused, message } = await device.line('refusal', (line) => 'opened' in line || 'refused' in line);
  await device.end();
  if (refused === undefined) throw new Error(`${id} was not refused`);
  return { refused, message: String(message) };
}

/** Writes a board profile of these devices there; answers with its path. */
export async function boardOf(
  rig: VirtualRig,
  name: string,
  devices: readonly { readonly id: string; readonly driver: string; readonly options: object }[],
): Promise<string> {
  const path = `${rig.folder}/${name}.yaml`;
  // JSON is YAML.
  const text = JSON.stringify({ profile: 1, name, devices, plates: [] });
  await rig.sh(`cat >${path} <<'END'\n${text}\nEND\n`);
  return path;
}
