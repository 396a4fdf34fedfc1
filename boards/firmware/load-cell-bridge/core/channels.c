#include "channels.h"

#include "frames.h"
#include "hal.h"
#include "notices.h"

/* HX711 data sheet: powers down after 60 µs of clock high; four conversions settle after power-up, gain or rate change;
   25 clock pulses select gain 128 (its setting at power-up), 26 input B with 32, 27 gain 64. */
enum { PULSES_128 = 25, PULSES_32 = 26, PULSES_64 = 27, SETTLING_CONVERSIONS = 4 };
#define POWER_DOWN_US 120u
/* A converter that has just been powered up shows its data line high at once and for at least 50 ms. */
#define STUCK_AFTER_US 10000u
#define RETRY_STUCK_US 500000u
#define MISSING_AT_LEAST_US 250000u
enum { MISSING_PERIODS = 3, COUNTS_MAX = 0x7FFFFF, COUNTS_MIN = 0x800000 };

enum state { OFF, POWERED_DOWN, WAKING, RUNNING };

struct channel {
  uint8_t state;
  uint8_t flags;
  uint8_t pulses;     /* what the gain asks for */
  uint8_t programmed; /* what the converter was told last */
  uint8_t discard;    /* conversions left until it has settled */
  bool has_previous;  /* a delivered conversion that the next one can be late against */
  uint32_t since;     /* µs: the state's beginning, or the last conversion */
  uint32_t seen;      /* µs: when the waiting conversion was seen */
  uint16_t conversions;
  uint16_t rejected;
  uint16_t late;
};

static struct channel channels[CHANNELS];
static uint8_t enabled;
static uint8_t sample_rate;
static bool streaming;
static uint8_t seen_ready;
static uint8_t next_channel;

static uint32_t period_us(void) {
  return sample_rate == 80 ? 12500u : 100000u;
}

static uint8_t pulses_for(uint8_t gain) {
  return gain == 64 ? PULSES_64 : gain == 32 ? PULSES_32 : PULSES_128;
}

static void settle(struct channel *channel) {
  channel->discard = SETTLING_CONVERSIONS;
  channel->flags |= CHANNEL_SETTLING;
  channel->has_previous = false;
}

static void power_down(uint8_t index) {
  struct channel *channel = &channels[index];
  hal_clock(index, true);
  channel->state = POWERED_DOWN;
  /* Not the round's time: a read may have passed since, and the clock has to be high for long enough. */
  channel->since = hal_micros();
  channel->programmed = PULSES_128;
  settle(channel);
}

static void clear(uint8_t index) {
  struct channel *channel = &channels[index];
  hal_clock(index, false);
  channel->state = OFF;
  channel->flags = 0;
}

void channels_reset(void) {
  streaming = false;
  enabled = 0;
  sample_rate = 0;
  seen_ready = 0;
  next_channel = 0;
  for (uint8_t i = 0; i < CHANNELS; i++) {
    clear(i);
    channels[i].conversions = channels[i].rejected = channels[i].late = 0;
  }
}

/* A3 is the clock of channel 7 or, where that is left out, RATE of all the others. */
static void drive_rate(void) {
  if ((enabled & 0x80) == 0) hal_rate(sample_rate == 80);
}

void channels_start(uint8_t mask, uint8_t rate, uint8_t gain) {
  channels_reset();
  frames_reset();
  notices_reset_channels();
  enabled = mask;
  sample_rate = rate;
  streaming = true;
  drive_rate();
  for (uint8_t i = 0; i < CHANNELS; i++) {
    if ((mask & (1u << i)) == 0) continue;
    channels[i].flags = CHANNEL_ENABLED;
    channels[i].pulses = pulses_for(gain);
    power_down(i);
  }
}

void channels_stop(void) {
  if (!streaming) return;
  streaming = false;
  for (uint8_t i = 0; i < CHANNELS; i++) {
    if (enabled & (1u << i)) clear(i);
  }
  notices_reset_channels();
}

void channels_set_rate(uint8_t rate, uint32_t now) {
  sample_rate = rate;
  drive_rate();
  for (uint8_t i = 0; i < CHANNELS; i++) {
    if ((enabled & (1u << i)) == 0) continue;
    settle(&channels[i]);
    if (channels[i].state == RUNNING) channels[i].since = now;
  }
}

void channels_set_gain(uint8_t mask, uint8_t gain) {
  for (uint8_t i = 0; i < CHANNELS; i++) {
    if ((mask & (1u << i)) == 0) continue;
    channels[i].pulses = pulses_for(gain);
    settle(&channels[i]);
  }
}

static void deliver(uint8_t index, uint32_t counts, uint32_t now) {
  struct channel *channel = &channels[index];
  uint32_t limit = period_us() + period_us() / 2;
  if (channel->has_previous && now - channel->since > limit) {
    channel->late++;
    notices_count(NOTICE_LATE, index);
  }
  if (counts == COUNTS_MAX || counts == COUNTS_MIN) channel->flags |= CHANNEL_SATURATED;
  else channel->flags &= (uint8_t)~CHANNEL_SATURATED;
  channel->flags &= (uint8_t)~CHANNEL_SETTLING;
  channel->has_previous = true;
  channel->conversions++;
  frames_add(index, channel->seen, counts);
}

static void accept(uint8_t index, uint32_t counts, uint32_t now) {
  struct channel *channel = &channels[index];
  if (channel->flags & CHANNEL_MISSING) {
    channel->flags &= (uint8_t)~CHANNEL_MISSING;
    notices_turn(NOTICE_BACK, NOTICE_MISSING, index);
  }
  if (channel->programmed != channel->pulses) {
    /* This conversion was made with the gain before; the pulses just sent changed it. */
    channel->programmed = channel->pulses;
    settle(channel);
  } else if (channel->discard > 0) {
    channel->discard--;
  } else {
    deliver(index, counts, now);
  }
  channel->since = now;
}

static void take(uint8_t index, uint32_t now) {
  struct channel *channel = &channels[index];
  if (frames_hold(index)) frames_flush(now);
  uint32_t counts = 0;
  if (hal_read(index, channel->pulses, &counts) == HAL_READ_OK) {
    accept(index, counts, now);
    return;
  }
  channel->rejected++;
  notices_set(NOTICE_REJECTED, index, channel->rejected);
  power_down(index);
}

static void wake(uint8_t index, bool low, uint32_t now) {
  struct channel *channel = &channels[index];
  if (!low) {
    channel->state = RUNNING;
    if (channel->flags & CHANNEL_STUCK) {
      channel->flags &= (uint8_t)~CHANNEL_STUCK;
      notices_turn(NOTICE_UNSTUCK, NOTICE_STUCK, index);
    }
    return;
  }
  if (now - channel->since >= STUCK_AFTER_US && (channel->flags & CHANNEL_STUCK) == 0) {
    channel->flags |= CHANNEL_STUCK;
    notices_turn(NOTICE_STUCK, NOTICE_UNSTUCK, index);
  }
  if (now - channel->since >= RETRY_STUCK_US) power_down(index);
}

static void watch_for_missing(uint8_t index, uint32_t now) {
  struct channel *channel = &channels[index];
  uint8_t periods = MISSING_PERIODS;
  if (channel->discard > 0) periods = (uint8_t)(periods + SETTLING_CONVERSIONS);
  uint32_t limit = periods * period_us();
  if (limit < MISSING_AT_LEAST_US) limit = MISSING_AT_LEAST_US;
  if (now - channel->since <= limit) return;
  if ((channel->flags & CHANNEL_MISSING) == 0) {
    channel->flags |= CHANNEL_MISSING;
    notices_turn(NOTICE_MISSING, NOTICE_BACK, index);
  }
  power_down(index);
}

/* Everything about a channel but reading; true when it has a conversion that can be read. */
static bool attend(uint8_t index, bool low, uint32_t now) {
  struct channel *channel = &channels[index];
  switch (channel->state) {
    case POWERED_DOWN:
      if (now - channel->since < POWER_DOWN_US) return false;
      hal_clock(index, false);
      channel->state = WAKING;
      channel->since = now;
      return false;
    case WAKING:
      wake(index, low, now);
      return false;
    case RUNNING:
      if (low) return true;
      watch_for_missing(index, now);
      return false;
    default:
      return false;
  }
}

bool channels_step(uint32_t now) {
  if (!streaming) return false;
  uint8_t low = hal_ready();
  uint8_t waiting = 0;
  for (uint8_t i = 0; i < CHANNELS; i++) {
    uint8_t bit = (uint8_t)(1u << i);
    if ((enabled & bit) == 0 || !attend(i, (low & bit) != 0, now)) continue;
    waiting |= bit;
    if ((seen_ready & bit) == 0) channels[i].seen = now;
  }
  seen_ready = waiting;
  /* One conversion a round, each channel in its turn, so that the others are noticed in time. */
  for (uint8_t i = 0; waiting != 0 && i < CHANNELS; i++) {
    uint8_t index = next_channel;
    next_channel = (uint8_t)((next_channel + 1) % CHANNELS);
    if ((waiting & (1u << index)) == 0) continue;
    seen_ready &= (uint8_t)~(1u << index);
    /* A short spike on the line is no conversion: it is over by now. */
    if (hal_ready() & (1u << index)) take(index, now);
    break;
  }
  frames_step(now, enabled);
  return seen_ready != 0;
}

bool channels_streaming(void) {
  return streaming;
}

uint8_t channels_mask(void) {
  return enabled;
}

uint8_t channels_rate(void) {
  return sample_rate;
}

struct channel_report channels_report(uint8_t channel) {
  const struct channel *c = &channels[channel];
  return (struct channel_report){c->flags, c->conversions, c->rejected, c->late};
}

bool channels_knows_rate(uint8_t rate) {
  return rate == 10 || rate == 80;
}

bool channels_knows_gain(uint8_t gain) {
  return gain == 128 || gain == 64 || gain == 32;
}
