import { uptime } from 'node:os';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { usPerSecond } from '#base/units.ts';
import type { Handler } from '#commands/desk.ts';
import type { Calibration, DeviceEntry, PlateEntry } from '#config/board.ts';
import type { TimeQuality } from '#events/event.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import { given } from './arguments.ts';
import { stringsIn } from './calibrated-hardware.ts';
import { CalibrationBench } from './calibration-bench.ts';
import { calibrationHandlers, storedVerification } from './calibration-handlers.ts';
import type { CalibrationKeeper, KeeperHost } from './calibration-keeper.ts';
import type { DecisionLoop } from './decisions.ts';
import type { Keep } from './kept-change.ts';
import type { LiveFeed } from './live.ts';
import type { ScaleCare } from './scale-care.ts';
import { ScaleDiagnosis } from './scale-diagnosis.ts';
import type { GatewaySetup } from './setup.ts';
import type { StoredState } from './state.ts';

interface TechnicianOptions {
  readonly setup: GatewaySetup;
  readonly keeper: CalibrationKeeper;
  readonly loop: Pick<DecisionLoop, 'command' | 'append' | 'saveState' | 'push' | 'pipeline'>;
  readonly live: Pick<LiveFeed, 'start'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly stored: StoredState;
  readonly timeQuality: () => TimeQuality;
  readonly background: (work: Promise<unknown>) => void;
}

/** What a technician does to the scales of this device: the calibrations that are kept, a session at a time, the diagnosis. */
export class Technician {
  readonly #options: TechnicianOptions;
  readonly #bench: CalibrationBench;
  readonly #diagnosis: ScaleDiagnosis;

  constructor(options: TechnicianOptions) {
    this.#options = options;
    const { setup, keeper, clock, loop } = options;
    const plates = setup.board.plates.filter(({ kind }) => kind !== 'unweighed');
    const { devices } = setup.board;
    const current = () => keeper.calibration;
    const { gravityUmS2, config } = setup;
    this.#bench = new CalibrationBench({
      ...options,
      ...{ plates, devices, current },
      newest: () => keeper.head?.revision ?? 0,
      isMoving: (plate) => loop.pipeline.weigher.status(plate).moving,
      conditions: (chosen) => ({
        ...(gravityUmS2 === undefined ? {} : { gravityUmS2 }),
        // Cells have power as long as the machine has.
        poweredSinceUs: clock.nowUs() - Math.round(uptime() * usPerSecond),
        regime: config.calibrationRegime,
        settings: { warmUpUs: config.calibrationWarmUpS * usPerSecond, ...gainOf(chosen, devices) },
      }),
    });
    this.#diagnosis = new ScaleDiagnosis({ plates, devices, clock, current });
  }

  /** What weighing goes by now. */
  get calibration(): Calibration | undefined {
    return this.#options.keeper.calibration;
  }

  /** Goes on where an earlier run ended: with the calibration in force, and with a session that was under way. */
  async start(host: Omit<KeeperHost, 'loop' | 'timeQuality'>): Promise<void> {
    const { keeper, loop, timeQuality } = this.#options;
    this.#bench.restore();
    await keeper.start({ ...host, loop, timeQuality });
    await this.#bench.tidy(loop.pipeline.upkeep.owned);
  }

  stop(): void {
    this.#bench.stop();
  }

  /** Sees every input before it is decided on. HOT PATH. */
  see(input: PipelineInput): void {
    this.#bench.see(input);
    this.#diagnosis.see(input);
  }

  /** The `calibration.…` commands. */
  handlers(keep: Keep, care: Pick<ScaleCare, 'due' | 'history'>): ReadonlyMap<string, Handler> {
    const { setup, keeper, clock, timeQuality } = this.#options;
    const { config, board, gravityUmS2, versions } = setup;
    return calibrationHandlers({
      bench: this.#bench,
      keeper,
      diagnosis: this.#diagnosis,
      care,
      verified: storedVerification(this.#options.stored),
      plates: board.plates.filter(({ kind }) => kind !== 'unweighed'),
      keep,
      facts: () => {
        const hardware = keeper.calibration?.hardware;
        return {
          store: config.store,
          device: config.device,
          board: board.name,
          atMs: clock.utcMs(),
          timeQuality: timeQuality(),
          software: versions.software,
          regime: config.calibrationRegime,
          ...(gravityUmS2 === undefined ? {} : { gravityUmS2 }),
          ...(hardware === undefined ? {} : { hardware: given(hardware) }),
        };
      },
    });
  }
}

/** Gain that the converters of these plates are set to; left out where their devices have no such option, or several. */
function gainOf(
  plates: readonly PlateEntry[],
  devices: readonly DeviceEntry[],
): { readonly converterGain?: number } {
  const cells = plates.flatMap(({ cells: own = [] }) => own.map(({ id }) => id));
  const gains = devices
    .filter(
      ({ id, options }) => cells.includes(id) || stringsIn(options).some((text) => cells.includes(text)),
    )
    .map(({ options }) => options.gain);
  const [gain] = gains;
  const isOne = typeof gain === 'number' && gains.every((other) => other === gain);
  return isOne ? { converterGain: gain } : {};
}
