#ifndef CARTWRIGHT_BRIDGE_H
#define CARTWRIGHT_BRIDGE_H

/** Everything as at power-up, then says what the board is. */
void bridge_setup(void);
/** One round of the main loop; takes well under a millisecond, EEPROM writes apart. */
void bridge_loop(void);

#endif
