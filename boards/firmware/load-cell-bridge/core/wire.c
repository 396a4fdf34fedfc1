#include "wire.h"

#include "crc16.h"
#include "hal.h"
#include "pack7.h"

enum { CRC_LENGTH = 2, ENVELOPE = 3 };

static uint16_t crc;
static uint16_t held;
static uint8_t bits;

static void pack(uint8_t byte) {
  held |= (uint16_t)((uint16_t)byte << bits);
  hal_send(held & 0x7F);
  held >>= 7;
  bits++;
  if (bits == 7) {
    hal_send(held & 0x7F);
    held = 0;
    bits = 0;
  }
}

bool wire_begin(uint8_t id, uint8_t length) {
  if (hal_send_room() < ENVELOPE + pack7_length((uint8_t)(length + CRC_LENGTH))) return false;
  hal_send(WIRE_SYSEX);
  hal_send(id);
  crc = crc16(CRC16_START, id);
  held = 0;
  bits = 0;
  return true;
}

void wire_u8(uint8_t value) {
  crc = crc16(crc, value);
  pack(value);
}

void wire_u16(uint16_t value) {
  wire_u8((uint8_t)value);
  wire_u8((uint8_t)(value >> 8));
}

void wire_u24(uint32_t value) {
  wire_u16((uint16_t)value);
  wire_u8((uint8_t)(value >> 16));
}

void wire_u32(uint32_t value) {
  wire_u16((uint16_t)value);
  wire_u16((uint16_t)(value >> 16));
}

void wire_end(void) {
  uint16_t sum = crc;
  pack((uint8_t)sum);
  pack((uint8_t)(sum >> 8));
  if (bits > 0) hal_send(held & 0x7F);
  hal_send(WIRE_END);
}
