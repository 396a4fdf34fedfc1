/* Firmata's I²C requests, one step of the bus a round: nothing waits for a chip, and a stuck bus holds up nobody. */
#ifndef CARTWRIGHT_I2C_H
#define CARTWRIGHT_I2C_H

#include <stdbool.h>
#include <stdint.h>

void i2c_reset(uint32_t now);
/** Switches the bus on. `delay_us` passes between naming a register and reading it. */
void i2c_configure(uint16_t delay_us);
/** A Firmata I²C request: address, mode, then halves of bytes. The bus is idle (`i2c_busy`). */
void i2c_request(const uint8_t *data, uint8_t length);
/** How often continuous reads are made, in ms; at least 1. */
void i2c_set_interval(uint16_t ms);
/** Ends all continuous reads. */
void i2c_stop_all(void);
/** True while a transfer is under way or its reply waits for room. */
bool i2c_busy(void);
void i2c_step(uint32_t now);
/** Transfers that failed, modulo 65,536. */
uint16_t i2c_errors(void);

#endif
