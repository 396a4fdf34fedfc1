/* The HX711 converters: each one's state, from power-up through settling to streaming, and what is wrong with it. */
#ifndef CARTWRIGHT_CHANNELS_H
#define CARTWRIGHT_CHANNELS_H

#include <stdbool.h>
#include <stdint.h>

enum {
  CHANNEL_ENABLED = 1,
  CHANNEL_MISSING = 2,
  CHANNEL_SETTLING = 4,
  CHANNEL_STUCK = 8,
  CHANNEL_SATURATED = 16,
};

struct channel_report {
  uint8_t flags;
  uint16_t conversions;
  uint16_t rejected;
  uint16_t late;
};

/** All clock lines low, nothing read, counters at 0. */
void channels_reset(void);
/** Begins anew with these channels: powers their converters down and up. Rate 10 or 80, gain 128, 64 or 32. */
void channels_start(uint8_t mask, uint8_t rate, uint8_t gain);
/** Stops reading; the converters stay powered, so that the cells stay warm. */
void channels_stop(void);
void channels_set_rate(uint8_t rate, uint32_t now);
void channels_set_gain(uint8_t mask, uint8_t gain);
/** One round: notes which conversions wait, reads one of them, and looks at the time. True: more of them wait. */
bool channels_step(uint32_t now);

bool channels_streaming(void);
/** Channels and rate of the last start; 0 before the first. */
uint8_t channels_mask(void);
uint8_t channels_rate(void);
struct channel_report channels_report(uint8_t channel);

/** True for 10 and 80. */
bool channels_knows_rate(uint8_t rate);
/** True for 128, 64 and 32. */
bool channels_knows_gain(uint8_t gain);

#endif
