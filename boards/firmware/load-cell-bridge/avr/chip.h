#ifndef CARTWRIGHT_CHIP_H
#define CARTWRIGHT_CHIP_H

/** Pins, timer, serial line and watchdog; interrupts are on afterwards. */
void chip_setup(void);

void pins_setup(void);
void clock_setup(void);
void uart_setup(void);
void idle_setup(void);

/* GPIOR0, bit 0: something has happened since the round began. One instruction sets it, without a flag of SREG. */
enum { HAPPENED = 0 };

#endif
