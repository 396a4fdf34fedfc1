#include "pack7.h"

uint8_t pack7_decode(uint8_t *bytes, uint8_t length) {
  uint16_t held = 0;
  uint8_t bits = 0;
  uint8_t decoded = 0;
  for (uint8_t i = 0; i < length; i++) {
    held |= (uint16_t)((bytes[i] & 0x7F) << bits);
    bits = (uint8_t)(bits + 7);
    if (bits >= 8) {
      bytes[decoded++] = (uint8_t)held;
      held >>= 8;
      bits = (uint8_t)(bits - 8);
    }
  }
  return held == 0 && pack7_length(decoded) == length ? decoded : PACK7_DAMAGED;
}
