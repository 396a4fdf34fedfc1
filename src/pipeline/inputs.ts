import type { Catalogue, Planogram } from '#catalogue/products.ts';
import type { Calibration } from '#config/board.ts';
import type { SeenThing } from '#fusion/observations.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading } from '#readings/readings.ts';

/**
 * Everything that can change a decision, in order of `atUs`. The daemon and replay feed the same union to the same
 * pipeline; what isn't here can't influence the ledger.
 */
export type PipelineInput =
  | Reading
  | {
      readonly kind: 'device-fault';
      readonly source: string;
      readonly atUs: number;
      readonly fault: DeviceFault;
    }
  | {
      readonly kind: 'command';
      readonly atUs: number;
      readonly command: string;
      readonly args: Readonly<Record<string, unknown>>;
      readonly transaction?: string;
    }
  | {
      readonly kind: 'sighting';
      readonly source: string;
      readonly atUs: number;
      readonly plate?: string;
      readonly outcome: 'seen' | 'nothing-changed' | 'hand-only';
      /** All that changed in its view, the most significant first; none unless `seen`. */
      readonly things: readonly SeenThing[];
      /** When the movement settled that it is of; without it, any movement of about that time. */
      readonly settledAtUs?: number;
    }
  /** Time synchronization: UTC at `atUs`. */
  | {
      readonly kind: 'clock';
      readonly atUs: number;
      readonly utcMs: number;
      readonly quality: 'synced' | 'holdover' | 'unset';
    }
  /** Whether there is room for another session's events: while `full`, a running session goes on and none begins. */
  | { readonly kind: 'capacity'; readonly atUs: number; readonly full: boolean }
  /** Catalogue or planogram as the store gave them, checked; they come into force when nothing is being decided on. */
  | {
      readonly kind: 'store';
      readonly atUs: number;
      readonly stock: { readonly catalogue?: Catalogue; readonly planogram?: Planogram };
      /** Files that they were read from. */
      readonly files: { readonly catalogue?: string; readonly planogram?: string };
    }
  /** A revision of the calibration that was committed: it weighs from here on. */
  | { readonly kind: 'calibration'; readonly atUs: number; readonly calibration: Calibration }
  | { readonly kind: 'end'; readonly atUs: number };
