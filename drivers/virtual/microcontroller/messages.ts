import type { McuFault } from './faults.ts';
import type { MicrocontrollerStatistics } from './microcontroller.ts';
import type { WorldBatch } from './simulator.ts';

/** What crosses between the gateway's thread and the microcontroller's: plain values only. */
export type ToWorker =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'feed'; readonly batch: WorldBatch }
  | { readonly kind: 'reset' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'begin'; readonly id: number; readonly fault: number; readonly what: McuFault }
  | { readonly kind: 'end'; readonly id: number; readonly fault: number }
  | { readonly kind: 'statistics'; readonly id: number };

export type Answer =
  | { readonly ok: true; readonly statistics: MicrocontrollerStatistics }
  | { readonly ok: false; readonly code: string | undefined; readonly message: string };

export type FromWorker =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly atUs: number }
  | { readonly kind: 'slipped'; readonly us: number }
  | ({ readonly kind: 'answer'; readonly id: number } & Answer);
