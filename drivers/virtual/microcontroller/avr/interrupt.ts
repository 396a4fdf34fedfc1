import type { CPU } from 'avr8js';

/** An interrupt source with its flag and its enable bit; avr8js doesn't export its name for it. */
export type Interrupt = Parameters<CPU['setInterruptFlag']>[0];
