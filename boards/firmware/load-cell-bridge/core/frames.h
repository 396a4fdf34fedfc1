/* Conversions on their way to the host: those of one moment travel together. */
#ifndef CARTWRIGHT_FRAMES_H
#define CARTWRIGHT_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

/** Begins anew: nothing waits, the sequence starts at 0. */
void frames_reset(void);
/** True when a conversion of this channel waits for its frame. */
bool frames_hold(uint8_t channel);
/** Adds a conversion that was seen ready at `seen` µs. The channel has none waiting. */
void frames_add(uint8_t channel, uint32_t seen, uint32_t counts);
/** Sends what waits, if anything does. */
void frames_flush(uint32_t now);
/** Sends the frame when it is complete for the enabled channels or old enough. */
void frames_step(uint32_t now, uint8_t enabled);
/** Frames sent, and frames lost for want of room, since the reset. */
uint32_t frames_sent(void);
uint16_t frames_dropped(void);

#endif
