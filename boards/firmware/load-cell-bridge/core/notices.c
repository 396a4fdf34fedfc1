#include "notices.h"

#include "hal.h"
#include "wire.h"

/* Cool-down in ticks of 25 ms; one tick more than 250 ms because the first may be short. */
enum { TICK_US = 25000, COOL_DOWN_TICKS = 11, SOURCES = CHANNELS + 1, LENGTH = 4 };

struct source {
  uint16_t waiting;                 /* bit kind − 1 */
  uint16_t detail[NOTICE_KINDS];
  uint8_t cool_down[NOTICE_KINDS];
};

/* One a channel and one for what concerns none. */
static struct source sources[SOURCES];
static uint8_t next_source;
static uint32_t last_tick;

static struct source *source_of(uint8_t channel) {
  return &sources[channel < CHANNELS ? channel : CHANNELS];
}

static uint16_t bit_of(enum notice kind) {
  return (uint16_t)(1u << (kind - 1));
}

void notices_reset(void) {
  for (uint8_t i = 0; i < SOURCES; i++) {
    sources[i].waiting = 0;
    for (uint8_t kind = 0; kind < NOTICE_KINDS; kind++) {
      sources[i].cool_down[kind] = 0;
      sources[i].detail[kind] = 0;
    }
  }
}

void notices_reset_channels(void) {
  for (uint8_t channel = 0; channel < CHANNELS; channel++) {
    sources[channel].waiting = 0;
    for (uint8_t kind = 0; kind < NOTICE_KINDS; kind++) sources[channel].detail[kind] = 0;
  }
}

void notices_set(enum notice kind, uint8_t channel, uint16_t detail) {
  struct source *source = source_of(channel);
  source->waiting |= bit_of(kind);
  source->detail[kind - 1] = detail;
}

void notices_count(enum notice kind, uint8_t channel) {
  struct source *source = source_of(channel);
  source->waiting |= bit_of(kind);
  if (source->detail[kind - 1] < UINT16_MAX) source->detail[kind - 1]++;
}

void notices_turn(enum notice kind, enum notice opposite, uint8_t channel) {
  struct source *source = source_of(channel);
  if (source->waiting & bit_of(opposite)) source->waiting &= (uint16_t)~bit_of(opposite);
  else notices_set(kind, channel, 0);
}

static void tick(uint32_t now) {
  if (now - last_tick < TICK_US) return;
  last_tick = now;
  for (uint8_t i = 0; i < SOURCES; i++) {
    for (uint8_t kind = 0; kind < NOTICE_KINDS; kind++) {
      if (sources[i].cool_down[kind] > 0) sources[i].cool_down[kind]--;
    }
  }
}

static void send(struct source *source, uint8_t channel, uint8_t kind) {
  if (!wire_begin(WIRE_NOTICE, LENGTH)) return;
  wire_u8(kind);
  wire_u8(channel);
  wire_u16(source->detail[kind - 1]);
  wire_end();
  source->waiting &= (uint16_t)~bit_of((enum notice)kind);
  source->detail[kind - 1] = 0;
  source->cool_down[kind - 1] = COOL_DOWN_TICKS;
}

void notices_step(uint32_t now) {
  tick(now);
  /* One source a round: a flood of notices never holds up the converters. */
  struct source *source = &sources[next_source];
  uint8_t channel = next_source < CHANNELS ? next_source : NO_CHANNEL;
  next_source = (uint8_t)((next_source + 1) % SOURCES);
  if (source->waiting == 0) return;
  for (uint8_t kind = 1; kind <= NOTICE_KINDS; kind++) {
    if ((source->waiting & bit_of((enum notice)kind)) == 0 || source->cool_down[kind - 1] > 0) continue;
    send(source, channel, kind);
    return;
  }
}
