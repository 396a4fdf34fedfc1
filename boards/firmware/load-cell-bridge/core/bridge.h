#ifndef CARTWRIGHT_BRIDGE_H
#define CARTWRIGHT_BRIDGE_H

#include <stdbool.h>

/** Everything as at power-up, then says what the board is. */
void bridge_setup(void);
/**
 * One round of the main loop; takes well under a millisecond, EEPROM writes apart. True when there is more to do at once;
 * else the next round is due when something happens, or after a millisecond.
 */
bool bridge_loop(void);

#endif
