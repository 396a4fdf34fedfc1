#include "receive.h"

#include <stdbool.h>

#include "commands.h"
#include "firmata.h"
#include "wire.h"

/* The longest message is an I²C write of 32 bytes: id, address, mode and 64 halves. */
enum { LIMIT = 68, COMMAND_BIT = 0x80, LAST_OWN_ID = 0x0F };

static uint8_t message[LIMIT];
static uint8_t length;
static bool within;
static bool overlong;
static uint16_t broken;

void receive_reset(void) {
  length = 0;
  within = false;
  overlong = false;
  broken = 0;
}

uint16_t receive_broken(void) {
  return broken;
}

static void finish(void) {
  within = false;
  if (overlong) broken++;
  else if (length == 0) return;
  else if (message[0] != 0 && message[0] <= LAST_OWN_ID) commands_handle(message[0], message + 1, (uint8_t)(length - 1));
  else firmata_sysex(message[0], message + 1, (uint8_t)(length - 1));
}

void receive_byte(uint8_t byte) {
  if (byte == WIRE_SYSEX) {
    if (within) broken++;
    within = true;
    overlong = false;
    length = 0;
  } else if (!within) {
    if (byte & COMMAND_BIT) firmata_command(byte);
  } else if (byte == WIRE_END) {
    finish();
  } else if (byte & COMMAND_BIT) {
    /* Damage on the line: neither the message nor this byte is obeyed, or a flipped bit could stop the stream. */
    within = false;
    broken++;
  } else if (length < LIMIT) {
    message[length++] = byte;
  } else {
    overlong = true;
  }
}
