#include "report.h"

#include "channels.h"
#include "commands.h"
#include "frames.h"
#include "hal.h"
#include "i2c.h"
#include "receive.h"
#include "version.h"
#include "wire.h"

enum { STATUS_HEAD = 20, STATUS_CHANNEL = 7, IDENTITY_LENGTH = 16, US_PER_MS = 1000 };

static uint32_t uptime_ms;
static uint32_t last_ms;

void report_reset(uint32_t now) {
  uptime_ms = now / US_PER_MS;
  last_ms = now - now % US_PER_MS;
}

void report_step(uint32_t now) {
  while (now - last_ms >= US_PER_MS) {
    last_ms += US_PER_MS;
    uptime_ms++;
  }
}

void report_status(void) {
  if (!wire_begin(WIRE_STATUS, STATUS_HEAD + CHANNELS * STATUS_CHANNEL)) return;
  wire_u8(hal_reset_cause());
  wire_u32(uptime_ms);
  wire_u8(channels_streaming());
  wire_u8(channels_mask());
  wire_u8(channels_rate());
  wire_u32(frames_sent());
  wire_u16(frames_dropped());
  wire_u16(commands_bad_crc());
  wire_u16((uint16_t)(hal_receive_errors() + receive_broken()));
  wire_u16(i2c_errors());
  for (uint8_t i = 0; i < CHANNELS; i++) {
    struct channel_report channel = channels_report(i);
    wire_u8(channel.flags);
    wire_u16(channel.conversions);
    wire_u16(channel.rejected);
    wire_u16(channel.late);
  }
  wire_end();
}

void report_identity(void) {
  uint8_t serial[SERIAL_LENGTH];
  hal_serial_load(serial);
  if (!wire_begin(WIRE_IDENTITY, IDENTITY_LENGTH)) return;
  wire_u8(PROTOCOL_VERSION);
  wire_u8(VERSION_MAJOR);
  wire_u8(VERSION_MINOR);
  wire_u8(VERSION_PATCH);
  wire_u8(CHANNELS);
  wire_u16(hal_signature());
  for (uint8_t i = 0; i < SERIAL_LENGTH; i++) wire_u8(serial[i]);
  wire_u8(hal_reset_cause());
  wire_end();
}
