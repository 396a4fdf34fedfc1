#include "bridge.h"

#include "channels.h"
#include "commands.h"
#include "firmata.h"
#include "frames.h"
#include "hal.h"
#include "i2c.h"
#include "notices.h"
#include "receive.h"
#include "report.h"

/* The longest answer is a status, 93 bytes; one more frame of 50 may go before it. */
enum { ROOM_FOR_ANSWER = 144, BYTES_A_ROUND = 16 };

void bridge_setup(void) {
  uint32_t now = hal_micros();
  channels_reset();
  frames_reset();
  notices_reset();
  receive_reset();
  commands_reset();
  i2c_reset(now);
  report_reset(now);
  firmata_announce();
}

/* Bytes wait in the receive buffer while an answer would not fit or the I²C bus is at work. True: there may be more. */
static bool take_bytes(void) {
  uint8_t byte;
  for (uint8_t i = 0; i < BYTES_A_ROUND; i++) {
    if (i2c_busy() || commands_restart_wanted() || hal_send_room() < ROOM_FOR_ANSWER || !hal_receive(&byte)) return false;
    receive_byte(byte);
  }
  return true;
}

bool bridge_loop(void) {
  hal_alive();
  hal_round();
  uint32_t now = hal_micros();
  bool more = channels_step(now);
  if (take_bytes()) more = true;
  i2c_step(now);
  notices_step(now);
  report_step(now);
  if (commands_restart_wanted() && hal_send_done()) hal_restart();
  return more || i2c_busy();
}
