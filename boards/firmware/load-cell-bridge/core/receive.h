/* Bytes from the host, cut into messages. Nothing that arrives is trusted: a message is bounded, whole and checked, or dropped. */
#ifndef CARTWRIGHT_RECEIVE_H
#define CARTWRIGHT_RECEIVE_H

#include <stdint.h>

void receive_reset(void);
/** Takes one byte and carries out the message that it completes, if any. */
void receive_byte(uint8_t byte);
/** Messages that were too long or cut short by another, modulo 65,536. */
uint16_t receive_broken(void);

#endif
