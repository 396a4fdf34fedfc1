import type { McuFault } from './faults.ts';
import type { MicrocontrollerStatistics } from './microcontroller.ts';
import type { WorldBatch } from './simulator.ts';

/** A simulator that runs by a clock, in this thread or in another. */
export interface Running {
  /** Bytes of the host for the line. */
  send(bytes: Uint8Array): void;
  /** What the world's sources read, ahead of time. */
  feed(batch: WorldBatch): void;
  /** Pulls the reset pin, as DTR does when a host opens the line. */
  pressReset(): void;
  /** Rejects with CW-DRV-004 where the fault's channel or chip isn't there. */
  beginFault(id: number, fault: McuFault): Promise<void>;
  endFault(id: number): Promise<void>;
  statistics(): Promise<MicrocontrollerStatistics>;
  stop(): Promise<void>;
}

export interface RunningEvents {
  /** What came over the line. */
  bytes(bytes: Uint8Array, atUs: number): void;
  /** It can't keep up with the clock: `us` were given up. */
  slipped(us: number): void;
  /** It ended by itself. */
  failed(error: Error): void;
}
