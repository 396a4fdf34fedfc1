/* Eight HX711: data lines on PD2…PD7, PB0, PB1, clock lines on PB2…PB5, PC0…PC3. */
#include <avr/interrupt.h>
#include <avr/io.h>

#include "../core/hal.h"
#include "chip.h"

/* A converter powers down after 60 µs of clock high. Timer 1 counts half microseconds. */
enum { HIGH_LIMIT_TICKS = 2 * 50, DATA_BITS = 24, PORT_D_LINES = 6, PORT_B_CLOCKS = 4, RATE_CHANNEL = 7 };

struct lines {
  volatile uint8_t *data;
  volatile uint8_t *clock;
  uint8_t data_mask;
  uint8_t clock_mask;
};

static struct lines lines_of(uint8_t channel) {
  struct lines lines;
  if (channel < PORT_D_LINES) {
    lines.data = &PIND;
    lines.data_mask = (uint8_t)(_BV(2) << channel);
  } else {
    lines.data = &PINB;
    lines.data_mask = (uint8_t)(_BV(0) << (channel - PORT_D_LINES));
  }
  if (channel < PORT_B_CLOCKS) {
    lines.clock = &PORTB;
    lines.clock_mask = (uint8_t)(_BV(2) << channel);
  } else {
    lines.clock = &PORTC;
    lines.clock_mask = (uint8_t)(_BV(0) << (channel - PORT_B_CLOCKS));
  }
  return lines;
}

void pins_setup(void) {
  /* Pull-ups on the data lines: an absent converter reads as not ready. Clocks low: the converters run. */
  PORTD = 0xFC;
  PORTB = 0x03;
  /* A4 and A5 too: an unconnected I²C bus doesn't float. */
  PORTC = 0x30;
  DDRB = 0x3C;
  DDRC = 0x0F;
#ifdef DELIBERATELY_BAD
  TCCR2A = _BV(WGM21);
  TCCR2B = _BV(CS22);
  OCR2A = 249;
  TIMSK2 = _BV(OCIE2A);
#endif
}

uint8_t hal_ready(void) {
  return (uint8_t)~((PIND >> 2) | (uint8_t)(PINB << 6));
}

void hal_clock(uint8_t channel, bool high) {
  struct lines lines = lines_of(channel);
  if (high) *lines.clock |= lines.clock_mask;
  else *lines.clock &= (uint8_t)~lines.clock_mask;
}

void hal_rate(bool fast) {
  hal_clock(RATE_CHANNEL, fast);
}

#ifdef DELIBERATELY_BAD

/*
 * The negative control: 1,000 times a second an interrupt of 75 µs, allowed while a clock is high, and nothing that notices.
 * A converter that powers down in the middle of a conversion gives a wrong number, which this build sends.
 */
ISR(TIMER2_COMPA_vect) {
  __builtin_avr_delay_cycles(75UL * (F_CPU / 1000000UL));
}

enum hal_read hal_read(uint8_t channel, uint8_t pulses, uint32_t *counts) {
  struct lines lines = lines_of(channel);
  uint32_t value = 0;
  for (uint8_t pulse = 0; pulse < pulses; pulse++) {
    *lines.clock |= lines.clock_mask;
    __builtin_avr_delay_cycles(4);
    bool bit = (*lines.data & lines.data_mask) != 0;
    *lines.clock &= (uint8_t)~lines.clock_mask;
    if (pulse < DATA_BITS) value = value << 1 | bit;
  }
  *counts = value;
  return HAL_READ_OK;
}

#else

/* One pulse of about 1 µs with interrupts off; they are back on before the next one. `ticks`: how long it was high at most. */
static inline bool pulse(const struct lines *lines, uint16_t *ticks) {
  uint8_t clock_mask = lines->clock_mask;
  uint8_t level;
  cli();
  uint16_t before = TCNT1;
  *lines->clock |= clock_mask;
  /* The data line is valid 0.1 µs after the rising edge; 0.25 µs more for the cable. */
  __builtin_avr_delay_cycles(4);
  level = *lines->data & lines->data_mask;
  *lines->clock &= (uint8_t)~clock_mask;
  uint16_t after = TCNT1;
  sei();
  *ticks = (uint16_t)(after - before);
  return level != 0;
}

enum hal_read hal_read(uint8_t channel, uint8_t pulses, uint32_t *counts) {
  struct lines lines = lines_of(channel);
  enum hal_read result = HAL_READ_OK;
  uint32_t value = 0;
  for (uint8_t i = 0; i < pulses; i++) {
    uint16_t ticks;
    bool bit = pulse(&lines, &ticks);
    if (ticks > HIGH_LIMIT_TICKS) return HAL_READ_CLOCK_TOO_LONG;
    if (i < DATA_BITS) value = value << 1 | bit;
    else if (!bit) result = HAL_READ_NOT_HIGH;
  }
  if ((*lines.data & lines.data_mask) == 0) result = HAL_READ_NOT_HIGH;
  *counts = value;
  return result;
}

#endif
