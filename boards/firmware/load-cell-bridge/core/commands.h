/* The bridge's own messages from the host. */
#ifndef CARTWRIGHT_COMMANDS_H
#define CARTWRIGHT_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

void commands_reset(void);
/** Carries out a message. `packed` is what followed the id on the wire; it is unpacked in place. */
void commands_handle(uint8_t id, uint8_t *packed, uint8_t length);
/** Messages whose checksum didn't match, modulo 65,536. */
uint16_t commands_bad_crc(void);
/** True once a restart was asked for: send what is queued, then reset. */
bool commands_restart_wanted(void);

#endif
