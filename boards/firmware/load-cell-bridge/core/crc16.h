#ifndef CARTWRIGHT_CRC16_H
#define CARTWRIGHT_CRC16_H

#include <stdint.h>

enum { CRC16_START = 0xFFFF };

/** One byte of CRC-16/CCITT-FALSE (polynomial 0x1021), bytewise without a table: x⁴ and x⁵ shifts carry the polynomial. */
static inline uint16_t crc16(uint16_t crc, uint8_t byte) {
  uint8_t x = (uint8_t)((crc >> 8) ^ byte);
  x ^= (uint8_t)(x >> 4);
  return (uint16_t)((crc << 8) ^ ((uint16_t)x << 12) ^ ((uint16_t)x << 5) ^ x);
}

#endif
