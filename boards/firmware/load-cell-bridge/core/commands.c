#include "commands.h"

#include "channels.h"
#include "crc16.h"
#include "frames.h"
#include "hal.h"
#include "notices.h"
#include "pack7.h"
#include "report.h"
#include "wire.h"

enum result { DONE = 0, MALFORMED = 1, OUT_OF_RANGE = 2, NOT_NOW = 3, EEPROM_FAILED = 4 };
enum { CRC_LENGTH = 2, ANSWER_LENGTH = 2, RESTART_KEY_1 = 0x5A, RESTART_KEY_2 = 0xA5 };

static uint16_t bad_crc;
static bool restart_wanted;

void commands_reset(void) {
  bad_crc = 0;
  restart_wanted = false;
}

uint16_t commands_bad_crc(void) {
  return bad_crc;
}

bool commands_restart_wanted(void) {
  return restart_wanted;
}

static void answer(uint8_t id, enum result result) {
  if (!wire_begin(WIRE_ANSWER, ANSWER_LENGTH)) return;
  wire_u8(id);
  wire_u8((uint8_t)result);
  wire_end();
}

static enum result start(const uint8_t *payload, uint8_t length) {
  if (length != 3) return MALFORMED;
  if (payload[0] == 0 || !channels_knows_rate(payload[1]) || !channels_knows_gain(payload[2])) return OUT_OF_RANGE;
  channels_start(payload[0], payload[1], payload[2]);
  return DONE;
}

static enum result stop(uint8_t length) {
  if (length != 0) return MALFORMED;
  frames_flush(hal_micros());
  channels_stop();
  return DONE;
}

static enum result set_rate(const uint8_t *payload, uint8_t length) {
  if (length != 1) return MALFORMED;
  if (!channels_knows_rate(payload[0])) return OUT_OF_RANGE;
  if (!channels_streaming()) return NOT_NOW;
  channels_set_rate(payload[0], hal_micros());
  return DONE;
}

static enum result set_gain(const uint8_t *payload, uint8_t length) {
  if (length != 2) return MALFORMED;
  if (payload[0] == 0 || !channels_knows_gain(payload[1])) return OUT_OF_RANGE;
  if (!channels_streaming()) return NOT_NOW;
  if (payload[0] & (uint8_t)~channels_mask()) return OUT_OF_RANGE;
  channels_set_gain(payload[0], payload[1]);
  return DONE;
}

static enum result set_serial(const uint8_t *payload, uint8_t length) {
  if (length != SERIAL_LENGTH) return MALFORMED;
  if (channels_streaming()) return NOT_NOW;
  return hal_serial_store(payload) ? DONE : EEPROM_FAILED;
}

static enum result restart(const uint8_t *payload, uint8_t length) {
  if (length != 2 || payload[0] != RESTART_KEY_1 || payload[1] != RESTART_KEY_2) return MALFORMED;
  restart_wanted = true;
  return DONE;
}

static bool echo(const uint8_t *payload, uint8_t length) {
  if (length > WIRE_ECHO_LIMIT) return false;
  if (!wire_begin(WIRE_ECHO, length)) return true;
  for (uint8_t i = 0; i < length; i++) wire_u8(payload[i]);
  wire_end();
  return true;
}

static void carry_out(uint8_t id, const uint8_t *payload, uint8_t length) {
  switch (id) {
    case WIRE_START: answer(id, start(payload, length)); break;
    case WIRE_STOP: answer(id, stop(length)); break;
    case WIRE_RATE: answer(id, set_rate(payload, length)); break;
    case WIRE_GAIN: answer(id, set_gain(payload, length)); break;
    case WIRE_SET_SERIAL: answer(id, set_serial(payload, length)); break;
    case WIRE_RESTART: answer(id, restart(payload, length)); break;
    case WIRE_STATUS_REQUEST:
      if (length == 0) report_status();
      else answer(id, MALFORMED);
      break;
    case WIRE_IDENTIFY:
      if (length == 0) report_identity();
      else answer(id, MALFORMED);
      break;
    case WIRE_ECHO_REQUEST:
      if (!echo(payload, length)) answer(id, MALFORMED);
      break;
    default: break;
  }
}

static bool intact(uint8_t id, const uint8_t *bytes, uint8_t length) {
  if (length == PACK7_DAMAGED || length < CRC_LENGTH) return false;
  uint16_t crc = crc16(CRC16_START, id);
  for (uint8_t i = 0; i < length - CRC_LENGTH; i++) crc = crc16(crc, bytes[i]);
  return bytes[length - 2] == (uint8_t)crc && bytes[length - 1] == (uint8_t)(crc >> 8);
}

void commands_handle(uint8_t id, uint8_t *packed, uint8_t length) {
  uint8_t unpacked = pack7_decode(packed, length);
  if (!intact(id, packed, unpacked)) {
    bad_crc++;
    notices_set(NOTICE_BAD_CRC, NO_CHANNEL, bad_crc);
    return;
  }
  carry_out(id, packed, (uint8_t)(unpacked - CRC_LENGTH));
}
