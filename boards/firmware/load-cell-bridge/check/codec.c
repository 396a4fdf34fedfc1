/* The codec against the vectors that the host's driver is tested with. */
#include <stdio.h>
#include <string.h>

#include "../core/crc16.h"
#include "../core/pack7.h"
#include "../core/wire.h"
#include "check.h"
#include "fake.h"
#include "vectors.h"

static size_t bytes_of(const char *hex, uint8_t *bytes) {
  size_t length = strlen(hex) / 2;
  for (size_t i = 0; i < length; i++) {
    unsigned value = 0;
    CHECK(sscanf(hex + 2 * i, "%2x", &value) == 1);
    bytes[i] = (uint8_t)value;
  }
  return length;
}

static void encodes(size_t index, const uint8_t *payload, size_t length, const uint8_t *wire, size_t wire_length) {
  fake_forget_sent();
  fake_run_ms(20);
  CHECK(wire_begin(vectors[index].id, (uint8_t)length));
  for (size_t i = 0; i < length; i++) wire_u8(payload[i]);
  wire_end();
  EQUAL(fake.sent_length, wire_length);
  CHECK(memcmp(fake.sent, wire, wire_length) == 0);
}

static void decodes(size_t index, const uint8_t *payload, size_t length, const uint8_t *wire, size_t wire_length) {
  uint8_t bytes[256];
  memcpy(bytes, wire + 2, wire_length - 3);
  size_t decoded = pack7_decode(bytes, (uint8_t)(wire_length - 3));
  EQUAL(decoded, length + 2);
  CHECK(memcmp(bytes, payload, length) == 0);
  uint16_t crc = crc16(CRC16_START, vectors[index].id);
  for (size_t i = 0; i < length; i++) crc = crc16(crc, payload[i]);
  EQUAL(bytes[length] | bytes[length + 1] << 8, crc);
}

static void damaged_lengths_are_refused(void) {
  behaviour("a length that whole bytes don't give, or an unused bit that is set, is damage");
  uint8_t zeros[16] = {0};
  EQUAL(pack7_decode(zeros, 0), 0);
  EQUAL(pack7_decode(zeros, 1), PACK7_DAMAGED);
  EQUAL(pack7_decode(zeros, 2), 1);
  EQUAL(pack7_decode(zeros, 8), 7);
  EQUAL(pack7_decode(zeros, 9), PACK7_DAMAGED);
  uint8_t unused[2] = {0x01, 0x02};
  EQUAL(pack7_decode(unused, 2), PACK7_DAMAGED);
}

void check_codec(void) {
  fake_boot();
  behaviour("the checksum of \"123456789\" is 0x29B1");
  uint16_t crc = CRC16_START;
  for (const char *c = "123456789"; *c != 0; c++) crc = crc16(crc, (uint8_t)*c);
  EQUAL(crc, 0x29B1);
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    uint8_t payload[256];
    uint8_t wire[256];
    size_t length = bytes_of(vectors[i].payload, payload);
    size_t wire_length = bytes_of(vectors[i].wire, wire);
    behaviour(vectors[i].name);
    encodes(i, payload, length, wire, wire_length);
    decodes(i, payload, length, wire, wire_length);
  }
  damaged_lengths_are_refused();
  behaviour("every host message of the vectors is understood");
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    if (!vectors[i].to_bridge) continue;
    fake_boot();
    fake_receive_hex(vectors[i].wire);
    fake_run_ms(2);
    CHECK(fake.sent_length > 0);
    EQUAL(count_messages(0x0B, NULL), 0);
  }
}
