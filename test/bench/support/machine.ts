import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';

/** What a reader has to know of the machine to compare figures. */
export interface MachineFacts {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly system: string;
  readonly node: string;
  /** Load of the last minute when the run began: above the number of cores, absolute times mean little. */
  readonly load: number;
}

export function machineFacts(): MachineFacts {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() || modelName(),
    cores: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 1_048_576),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}

/** A Raspberry Pi's kernel names the board, not the processor. */
function modelName(): string {
  try {
    return readFileSync('/proc/device-tree/model', 'utf8').replaceAll('\0', '');
  } catch {
    return 'unknown';
  }
}
