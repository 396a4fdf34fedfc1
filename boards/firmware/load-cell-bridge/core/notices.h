/* What the host should know without asking; one kind and channel at most four times a second. */
#ifndef CARTWRIGHT_NOTICES_H
#define CARTWRIGHT_NOTICES_H

#include <stdbool.h>
#include <stdint.h>

enum notice {
  NOTICE_MISSING = 1,
  NOTICE_BACK = 2,
  NOTICE_REJECTED = 3,
  NOTICE_STUCK = 4,
  NOTICE_UNSTUCK = 5,
  NOTICE_BAD_CRC = 6,
  NOTICE_FRAMES_DROPPED = 7,
  NOTICE_I2C = 8,
  NOTICE_LATE = 9,
  NOTICE_KINDS = 9,
};

enum { NO_CHANNEL = 255 };

/** Forgets what waits and lets every kind be sent at once. */
void notices_reset(void);
/** Forgets what waits about channels: streaming begins anew. */
void notices_reset_channels(void);
/** Wants a notice sent; one of the same kind and channel that still waits takes the new detail. */
void notices_set(enum notice kind, uint8_t channel, uint16_t detail);
/** Counts an event; its notice carries how many there were since the last one. */
void notices_count(enum notice kind, uint8_t channel);
/** A state began (`kind`) that `opposite` ends, or the other way round: the host learns the last one, not every flicker. */
void notices_turn(enum notice kind, enum notice opposite, uint8_t channel);
/** Sends one notice that waits and may go. To be called in every round of the loop. */
void notices_step(uint32_t now);

#endif
