/* The part of Firmata 2.7 that a host needs to see a board, and to reach I²C chips through it. */
#ifndef CARTWRIGHT_FIRMATA_H
#define CARTWRIGHT_FIRMATA_H

#include <stdint.h>

/** Says unasked what the board is: version, firmware, identity. */
void firmata_announce(void);
/** A byte of 0x80 or above outside of a message. */
void firmata_command(uint8_t command);
/** A message that isn't the bridge's own; `data` is what followed the id. */
void firmata_sysex(uint8_t id, const uint8_t *data, uint8_t length);

#endif
