import { createRandom } from '#base/random.ts';
import { type CaptureOutcome, Capturer } from '#calibration/capture.ts';
import { isCaptured, type Procedure } from '#calibration/procedure.ts';
import type { Step, StepResult } from '#calibration/session.ts';
import type { Capture } from '#calibration/types.ts';
import { putDown } from '#simulation/physics/handling.ts';
import type { Point } from '#simulation/plate.ts';
import type { World } from '#simulation/world.ts';

/** Somebody who puts weights onto the plates of a simulated world and takes the steps of a calibration, in virtual time. */
export class Technician {
  readonly world: World;
  readonly #random = createRandom(11);
  /** What lies on each plate. */
  readonly #lying = new Map<string, { massMg: number; at: Point }[]>();
  nowUs = 0;
  milliCelsius: number | undefined;

  constructor(world: World) {
    this.world = world;
  }

  /** Puts a mass down; a negative one is a pull. */
  put(plate: string, massMg: number, at: Point = [0, 0]): void {
    const handling = putDown('lower', this.#random);
    this.world.schedule([{ atUs: this.nowUs, kind: 'handle', plate, massMg, at, handling }]);
    this.#lying.set(plate, [...(this.#lying.get(plate) ?? []), { massMg, at }]);
    this.wait(handling.endUs / 1e6 + 0.5);
  }

  /** Takes everything off a plate. */
  clear(plate: string): void {
    const all = this.#lying.get(plate) ?? [];
    this.#lying.set(plate, []);
    for (const { massMg, at } of all) {
      const handling = putDown('lower', this.#random);
      this.world.schedule([{ atUs: this.nowUs, kind: 'handle', plate, massMg: -massMg, at, handling }]);
      this.wait(handling.endUs / 1e6 + 0.5);
    }
  }

  wait(seconds: number): void {
    this.nowUs += Math.round(seconds * 1e6);
    for (const _item of this.world.run(this.nowUs)) {
      // Nobody reads meanwhile.
    }
  }

  /** Waits for rest as a gateway does, and gives what came of it. */
  read(procedure: Procedure, plate: string): CaptureOutcome {
    const capturer = new Capturer(procedure.capturerOptions(plate, this.nowUs));
    if (this.milliCelsius !== undefined) capturer.temperature(this.milliCelsius);
    while (capturer.outcome.state === 'waiting') {
      this.nowUs += 250_000;
      for (const item of this.world.run(this.nowUs)) {
        if (item.kind !== 'input' || item.input.kind !== 'cell') continue;
        const { source, atUs, counts, sequence } = item.input;
        capturer.cell(source, atUs, counts, sequence);
      }
      capturer.advance(this.nowUs);
    }
    return capturer.outcome;
  }

  capture(procedure: Procedure, plate: string): Capture {
    const outcome = this.read(procedure, plate);
    if (outcome.state === 'done') return outcome.capture;
    throw outcome.state === 'failed' ? outcome.error : new Error('a capture has no end');
  }

  /** Takes a step with what lies on the plate now. */
  step(procedure: Procedure, step: Step): StepResult {
    const { kind, ...args } = step;
    procedure.check(kind, args, this.nowUs);
    const plate = step.plate ?? '';
    const taken = isCaptured(kind) ? { ...step, capture: this.capture(procedure, plate) } : step;
    procedure.renew(this.nowUs);
    return procedure.take(taken, this.nowUs);
  }
}
