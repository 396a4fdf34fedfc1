/* What the bridge needs of a chip. avr/ carries it out on an ATmega328P, check/ on the developer's computer. Nothing here waits. */
#ifndef CARTWRIGHT_HAL_H
#define CARTWRIGHT_HAL_H

#include <stdbool.h>
#include <stdint.h>

enum { CHANNELS = 8, SERIAL_LENGTH = 8 };

/** µs since power-up; wraps after 71.6 min. */
uint32_t hal_micros(void);

/** Takes the next received byte; false when there is none. */
bool hal_receive(uint8_t *byte);

/** Bytes lost on the way in since power-up (framing, overrun, buffer full), modulo 65,536. */
uint16_t hal_receive_errors(void);

/** How many bytes `hal_send` takes now without loss. */
uint8_t hal_send_room(void);

/** Queues one byte; the caller has asked `hal_send_room`. */
void hal_send(uint8_t byte);

/** True when every queued byte has left the chip. */
bool hal_send_done(void);

/** Bit i: the data line of channel i is low, which is how an HX711 says that a conversion waits. */
uint8_t hal_ready(void);

/** Drives the clock line of a channel; high for more than 60 µs powers its converter down. */
void hal_clock(uint8_t channel, bool high);

enum hal_read { HAL_READ_OK, HAL_READ_CLOCK_TOO_LONG, HAL_READ_NOT_HIGH };

/**
 * Clocks one conversion out of a channel: 24 bits into `counts`, then `pulses` − 24 more, which select the next gain.
 * Refuses the conversion when the clock was high so long that the converter may have powered down, and when the data
 * line was not high from the 25th pulse on, as every healthy converter's is.
 */
enum hal_read hal_read(uint8_t channel, uint8_t pulses, uint32_t *counts);

/** Drives the RATE inputs (A3): high for 80 samples a second, low for 10. */
void hal_rate(bool fast);

/** The I²C controller's last step: still under way, or how it ended. */
enum hal_i2c { HAL_I2C_BUSY, HAL_I2C_STARTED, HAL_I2C_ACK, HAL_I2C_NACK, HAL_I2C_DATA, HAL_I2C_ERROR };

void hal_i2c_enable(void);
void hal_i2c_start(void);
void hal_i2c_write(uint8_t byte);
/** Reads one byte and answers it with ACK where more are to come. */
void hal_i2c_read(bool more);
uint8_t hal_i2c_data(void);
void hal_i2c_stop(void);
/** True when a stop condition asked for is still under way. */
bool hal_i2c_stopping(void);
enum hal_i2c hal_i2c_poll(void);
/** Gives up a transfer and clocks a chip that holds the data line free: nine pulses and a stop. */
void hal_i2c_recover(void);

/** MCUSR at the last reset: 1 power, 2 reset pin, 4 brown-out, 8 watchdog; 0 where the bootloader hides it. */
uint8_t hal_reset_cause(void);

/** Chip signature without the manufacturer's byte, 0x950F for the ATmega328P: the chip that this was built for. */
uint16_t hal_signature(void);

/** The serial number in EEPROM; all 0xFF where none was set or it doesn't match its checksum. */
void hal_serial_load(uint8_t serial[SERIAL_LENGTH]);
/** Stores the serial number; false when it doesn't read back. Takes up to 40 ms. */
bool hal_serial_store(const uint8_t serial[SERIAL_LENGTH]);

/** A round of the loop begins: what happens from now on ends the next `hal_wait`. */
void hal_round(void);
/** Rests until a byte came, a data line changed or a millisecond passed since `hal_round`; at once if that was before. */
void hal_wait(void);

/** Lets the watchdog know that the loop goes round. */
void hal_alive(void);
/** Resets the chip through the watchdog. Does not return on a chip. */
void hal_restart(void);

#endif
