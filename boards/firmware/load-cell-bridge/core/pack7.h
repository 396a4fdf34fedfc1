#ifndef CARTWRIGHT_PACK7_H
#define CARTWRIGHT_PACK7_H

#include <stdint.h>

/** Bytes on the wire for `length` bytes of eight bits: ⌈8·length/7⌉. */
static inline uint8_t pack7_length(uint8_t length) {
  return (uint8_t)(((uint16_t)length * 8 + 6) / 7);
}

enum { PACK7_DAMAGED = 0xFF };

/**
 * Unpacks seven-bit bytes in place. Returns the number of bytes, or PACK7_DAMAGED where the length can't come from
 * whole bytes or an unused bit is set.
 */
uint8_t pack7_decode(uint8_t *bytes, uint8_t length);

#endif
