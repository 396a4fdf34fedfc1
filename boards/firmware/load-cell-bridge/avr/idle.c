/* Rest between rounds: the processor stands still until a byte comes, a data line changes or a millisecond has passed. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

#include "../core/hal.h"
#include "chip.h"

enum { PRESCALER = 64, TICKS_A_SECOND = 1000 };

void idle_setup(void) {
  TCCR0A = _BV(WGM01);
  TCCR0B = _BV(CS01) | _BV(CS00);
  OCR0A = F_CPU / PRESCALER / TICKS_A_SECOND - 1;
  TIMSK0 = _BV(OCIE0A);
  /* The data lines: PD2…PD7, PB0, PB1. */
  PCMSK2 = 0xFC;
  PCMSK0 = 0x03;
  PCICR = _BV(PCIE2) | _BV(PCIE0);
  set_sleep_mode(SLEEP_MODE_IDLE);
}

/* Data lines change while a converter is read, too: these are kept as short as they can be. */
#define NOTE_THAT_IT_HAPPENED(vector) \
  ISR(vector, ISR_NAKED) { \
    __asm__ volatile("sbi %0, %1\n\treti" ::"I"(_SFR_IO_ADDR(GPIOR0)), "I"(HAPPENED)); \
  }

NOTE_THAT_IT_HAPPENED(TIMER0_COMPA_vect)
NOTE_THAT_IT_HAPPENED(PCINT0_vect)
NOTE_THAT_IT_HAPPENED(PCINT2_vect)

void hal_round(void) {
  GPIOR0 &= (uint8_t)~_BV(HAPPENED);
}

void hal_wait(void) {
  /* SEI takes effect after the instruction that follows it: nothing happens unseen between the look and the sleep. */
  cli();
  while ((GPIOR0 & _BV(HAPPENED)) == 0) {
    sleep_enable();
    sei();
    sleep_cpu();
    sleep_disable();
    cli();
  }
  sei();
}
