#include "frames.h"

#include "hal.h"
#include "notices.h"
#include "wire.h"

enum { FRAME_MAX_AGE_US = 8000, AGE_UNIT_SHIFT = 7, AGE_MAX = 255, FRAME_HEAD = 7, FRAME_SAMPLE = 4 };

static uint8_t present;
static uint32_t oldest;
static uint32_t seen_at[CHANNELS];
static uint32_t counts_of[CHANNELS];
static uint16_t sequence;
static uint32_t sent;
static uint16_t dropped;

void frames_reset(void) {
  present = 0;
  sequence = 0;
  sent = 0;
  dropped = 0;
}

bool frames_hold(uint8_t channel) {
  return (present & (1u << channel)) != 0;
}

void frames_add(uint8_t channel, uint32_t seen, uint32_t counts) {
  if (present == 0 || (int32_t)(seen - oldest) < 0) oldest = seen;
  present |= (uint8_t)(1u << channel);
  seen_at[channel] = seen;
  counts_of[channel] = counts;
}

static uint8_t age_of(uint8_t channel, uint32_t now) {
  uint32_t age = (now - seen_at[channel]) >> AGE_UNIT_SHIFT;
  return age > AGE_MAX ? AGE_MAX : (uint8_t)age;
}

static uint8_t samples_in(uint8_t mask) {
  uint8_t samples = 0;
  for (; mask != 0; mask &= (uint8_t)(mask - 1)) samples++;
  return samples;
}

void frames_flush(uint32_t now) {
  if (present == 0) return;
  /* The sequence counts lost frames too: the host sees the gap. */
  uint16_t number = sequence++;
  if (wire_begin(WIRE_SAMPLES, (uint8_t)(FRAME_HEAD + FRAME_SAMPLE * samples_in(present)))) {
    wire_u16(number);
    wire_u32(now);
    wire_u8(present);
    for (uint8_t channel = 0; channel < CHANNELS; channel++) {
      if (!frames_hold(channel)) continue;
      wire_u8(age_of(channel, now));
      wire_u24(counts_of[channel]);
    }
    wire_end();
    sent++;
  } else {
    dropped++;
    notices_count(NOTICE_FRAMES_DROPPED, NO_CHANNEL);
  }
  present = 0;
}

void frames_step(uint32_t now, uint8_t enabled) {
  if (present == 0) return;
  if ((present & enabled) == enabled || now - oldest >= FRAME_MAX_AGE_US) frames_flush(now);
}

uint32_t frames_sent(void) {
  return sent;
}

uint16_t frames_dropped(void) {
  return dropped;
}
