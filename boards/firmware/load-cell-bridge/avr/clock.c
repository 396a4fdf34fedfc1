/* Timer 1 counts half microseconds and overflows every 32.768 ms. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>

#include "../core/hal.h"
#include "chip.h"

static volatile uint32_t overflows;

ISR(TIMER1_OVF_vect) {
  overflows++;
}

void clock_setup(void) {
  TCCR1A = 0;
  TCCR1B = _BV(CS11);
  TIMSK1 = _BV(TOIE1);
}

uint32_t hal_micros(void) {
  uint32_t high;
  uint16_t low;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    low = TCNT1;
    high = overflows;
    /* An overflow that has not been served yet belongs to a low reading only when that is small. */
    if ((TIFR1 & _BV(TOV1)) != 0 && low < 0x8000) high++;
  }
  return (high << 15) + (low >> 1);
}
