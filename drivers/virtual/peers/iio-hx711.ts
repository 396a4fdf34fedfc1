import { LivingAttributes } from './attributes.ts';

/** 1 count at 5 V and gains of 128, 64 and 32, mV, as the kernel writes them. */
const scales = { 128: '0.000002328', 64: '0.000004656', 32: '0.000009312' } as const;

export interface IioHx711Input {
  readonly input: 'A' | 'B';
  readonly gain: 128 | 64 | 32;
}

/** Attributes of the kernel's driver for an HX711: codes with the sign bit turned round, a scale that selects the gain. */
export class IioHx711Attributes extends LivingAttributes {
  /** Every code is this, where it is set. */
  fixed: number | undefined;
  /** Codes that were read. */
  reads = 0;
  #gainA: 128 | 64 = 128;

  /** @param counts signed codes of 24 bits */
  constructor(counts: (from: IioHx711Input) => number) {
    super();
    const raw = (from: () => IioHx711Input) => ({
      read: () => {
        this.reads += 1;
        return String((this.fixed ?? counts(from())) + 0x800000);
      },
    });
    this.set('name', 'hx711');
    this.live(
      'in_voltage0_raw',
      raw(() => ({ input: 'A', gain: this.#gainA })),
    );
    this.live(
      'in_voltage1_raw',
      raw(() => ({ input: 'B', gain: 32 })),
    );
    this.set('in_voltage0_scale_available', `${scales[128]} ${scales[64]} `);
    this.set('in_voltage1_scale_available', `${scales[32]} `);
    this.live('in_voltage_scale', {
      read: () => scales[this.#gainA],
      write: (text) => {
        this.#gainA = text === scales[64] ? 64 : 128;
      },
    });
  }

  get gainA(): number {
    return this.#gainA;
  }
}
