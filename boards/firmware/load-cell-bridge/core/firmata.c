#include "firmata.h"

#include <stdbool.h>

#include "channels.h"
#include "frames.h"
#include "hal.h"
#include "i2c.h"
#include "report.h"
#include "version.h"
#include "wire.h"

enum {
  REPORT_VERSION = 0xF9,
  SYSTEM_RESET = 0xFF,
  ANALOG_MAPPING_QUERY = 0x69,
  ANALOG_MAPPING_RESPONSE = 0x6A,
  CAPABILITY_QUERY = 0x6B,
  CAPABILITY_RESPONSE = 0x6C,
  PIN_STATE_QUERY = 0x6D,
  PIN_STATE_RESPONSE = 0x6E,
  I2C_REQUEST = 0x76,
  I2C_CONFIG = 0x78,
  REPORT_FIRMWARE = 0x79,
  SAMPLING_INTERVAL = 0x7A,
};
enum { PINS = 20, PIN_SDA = 18, PIN_SCL = 19, MODE_I2C = 6, NO_MODE = 0x7F };

static const char label[] = FIRMWARE_LABEL;

/* Every answer here fits: the loop takes bytes from the host only with room for the longest answer (bridge.c). */
static void version(void) {
  hal_send(REPORT_VERSION);
  hal_send(FIRMATA_MAJOR);
  hal_send(FIRMATA_MINOR);
}

static void firmware(void) {
  hal_send(WIRE_SYSEX);
  hal_send(REPORT_FIRMWARE);
  hal_send(VERSION_MAJOR);
  hal_send(VERSION_MINOR);
  for (const char *c = label; *c != '\0'; c++) {
    hal_send((uint8_t)*c & 0x7F);
    hal_send(((uint8_t)*c >> 7) & 1);
  }
  hal_send(WIRE_END);
}

static bool is_i2c(uint8_t pin) {
  return pin == PIN_SDA || pin == PIN_SCL;
}

static void capabilities(void) {
  hal_send(WIRE_SYSEX);
  hal_send(CAPABILITY_RESPONSE);
  for (uint8_t pin = 0; pin < PINS; pin++) {
    if (is_i2c(pin)) {
      hal_send(MODE_I2C);
      hal_send(1);
    }
    hal_send(0x7F);
  }
  hal_send(WIRE_END);
}

static void analog_mapping(void) {
  hal_send(WIRE_SYSEX);
  hal_send(ANALOG_MAPPING_RESPONSE);
  for (uint8_t pin = 0; pin < PINS; pin++) hal_send(0x7F);
  hal_send(WIRE_END);
}

static void pin_state(uint8_t pin) {
  if (pin >= PINS) return;
  hal_send(WIRE_SYSEX);
  hal_send(PIN_STATE_RESPONSE);
  hal_send(pin);
  hal_send(is_i2c(pin) ? MODE_I2C : NO_MODE);
  hal_send(0);
  hal_send(WIRE_END);
}

void firmata_announce(void) {
  version();
  firmware();
  report_identity();
}

void firmata_command(uint8_t command) {
  if (command == REPORT_VERSION) {
    version();
  } else if (command == SYSTEM_RESET) {
    frames_flush(hal_micros());
    channels_stop();
    i2c_stop_all();
  }
}

void firmata_sysex(uint8_t id, const uint8_t *data, uint8_t length) {
  switch (id) {
    case REPORT_FIRMWARE:
      if (length == 0) firmware();
      break;
    case CAPABILITY_QUERY: capabilities(); break;
    case ANALOG_MAPPING_QUERY: analog_mapping(); break;
    case PIN_STATE_QUERY:
      if (length == 1) pin_state(data[0]);
      break;
    case I2C_CONFIG:
      i2c_configure(length >= 2 ? (uint16_t)(data[0] | data[1] << 7) : 0);
      break;
    case I2C_REQUEST: i2c_request(data, length); break;
    case SAMPLING_INTERVAL:
      if (length == 2) i2c_set_interval((uint16_t)(data[0] | data[1] << 7));
      break;
    default: break;
  }
}
