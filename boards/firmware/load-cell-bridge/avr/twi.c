/* The I²C controller at 100 kHz on A4 (SDA) and A5 (SCL), polled: between two steps it holds the clock, and nothing waits. */
#include <avr/io.h>
#include <util/delay.h>
#include <util/twi.h>

#include "../core/hal.h"

enum { BIT_RATE = (F_CPU / 100000UL - 16) / 2, SDA = _BV(PC4), SCL = _BV(PC5), RECOVERY_PULSES = 9, HALF_BIT_US = 5 };

void hal_i2c_enable(void) {
  /* The chip's pull-ups hold an unconnected bus high; a long one needs resistors of its own. */
  PORTC |= SDA | SCL;
  TWSR = 0;
  TWBR = BIT_RATE;
  TWCR = _BV(TWEN);
}

void hal_i2c_start(void) {
  TWCR = _BV(TWINT) | _BV(TWSTA) | _BV(TWEN);
}

void hal_i2c_write(uint8_t byte) {
  TWDR = byte;
  TWCR = _BV(TWINT) | _BV(TWEN);
}

void hal_i2c_read(bool more) {
  TWCR = (uint8_t)(_BV(TWINT) | _BV(TWEN) | (more ? _BV(TWEA) : 0));
}

uint8_t hal_i2c_data(void) {
  return TWDR;
}

void hal_i2c_stop(void) {
  TWCR = _BV(TWINT) | _BV(TWSTO) | _BV(TWEN);
}

bool hal_i2c_stopping(void) {
  return (TWCR & _BV(TWSTO)) != 0;
}

enum hal_i2c hal_i2c_poll(void) {
  if ((TWCR & _BV(TWINT)) == 0) return HAL_I2C_BUSY;
  switch (TW_STATUS) {
    case TW_START:
    case TW_REP_START: return HAL_I2C_STARTED;
    case TW_MT_SLA_ACK:
    case TW_MT_DATA_ACK:
    case TW_MR_SLA_ACK: return HAL_I2C_ACK;
    case TW_MT_SLA_NACK:
    case TW_MT_DATA_NACK:
    case TW_MR_SLA_NACK: return HAL_I2C_NACK;
    case TW_MR_DATA_ACK:
    case TW_MR_DATA_NACK: return HAL_I2C_DATA;
    default: return HAL_I2C_ERROR;
  }
}

/* Open drain by hand: driven low, or left to the pull-up. */
static void release(uint8_t line) {
  DDRC &= (uint8_t)~line;
  PORTC |= line;
  _delay_us(HALF_BIT_US);
}

static void pull(uint8_t line) {
  PORTC &= (uint8_t)~line;
  DDRC |= line;
  _delay_us(HALF_BIT_US);
}

void hal_i2c_recover(void) {
  TWCR = 0;
  release(SDA);
  release(SCL);
  for (uint8_t i = 0; i < RECOVERY_PULSES && (PINC & SDA) == 0; i++) {
    pull(SCL);
    release(SCL);
  }
  pull(SCL);
  pull(SDA);
  release(SCL);
  release(SDA);
  hal_i2c_enable();
}
