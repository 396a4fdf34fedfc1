/* Messages on their way to the host. A message goes whole into the send buffer or not at all. */
#ifndef CARTWRIGHT_WIRE_H
#define CARTWRIGHT_WIRE_H

#include <stdbool.h>
#include <stdint.h>

enum wire_id {
  WIRE_START = 0x01,
  WIRE_STOP = 0x02,
  WIRE_RATE = 0x03,
  WIRE_GAIN = 0x04,
  WIRE_STATUS_REQUEST = 0x05,
  WIRE_ECHO_REQUEST = 0x06,
  WIRE_ANSWER = 0x07,
  WIRE_SAMPLES = 0x08,
  WIRE_STATUS = 0x09,
  WIRE_ECHO = 0x0A,
  WIRE_NOTICE = 0x0B,
  WIRE_IDENTIFY = 0x0C,
  WIRE_SET_SERIAL = 0x0D,
  WIRE_RESTART = 0x0E,
  WIRE_IDENTITY = 0x0F,
};

enum { WIRE_SYSEX = 0xF0, WIRE_END = 0xF7, WIRE_ECHO_LIMIT = 24 };

/** Starts a message with `length` payload bytes; false, with nothing sent, when it doesn't fit into the send buffer. */
bool wire_begin(uint8_t id, uint8_t length);
void wire_u8(uint8_t value);
void wire_u16(uint16_t value);
void wire_u24(uint32_t value);
void wire_u32(uint32_t value);
/** Closes the message with its checksum. */
void wire_end(void);

#endif
