#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/bridge.h"

enum { ROUND_US = 25, POWER_DOWN_US = 60, SETTLING_PERIODS = 4, SEND_BUFFER = 255, RECEIVE_BUFFER = 255, READ_US = 80 };
/* 117,647 Bd carry a byte in 85 µs. */
enum { BYTE_US = 85, I2C_STEP_US = 90 };

struct fake fake;
static uint8_t sent_bytes[FAKE_SENT_MAX];
static uint8_t waiting[RECEIVE_BUFFER];
static size_t waiting_length;
static uint64_t line_free_at;
static enum hal_i2c i2c_event;
static uint64_t i2c_done_at;
static bool i2c_addressed;
static bool i2c_reading;
static bool i2c_pointer_next;
static uint64_t stopping_until;

static void fail(const char *what) {
  fprintf(stderr, "the bridge broke the rules of the chip: %s\n", what);
  abort();
}

static void run_line(void) {
  while (!fake.line_blocked && fake.queued > 0 && line_free_at <= fake.now) {
    fake.queued--;
    line_free_at = (line_free_at + BYTE_US > fake.now ? line_free_at : fake.now) + BYTE_US;
  }
}

static void run_converter(struct fake_converter *c) {
  if (c->clock_high && fake.now - c->high_since > POWER_DOWN_US) c->powered_down = true;
  if (c->powered_down || !c->present) {
    c->ready = false;
    return;
  }
  while (c->next_at <= fake.now) {
    if (c->ready) c->overwritten++;
    c->ready = true;
    c->value = c->counts & 0xFFFFFF;
    c->counts += c->step;
    c->next_at += c->period_us;
  }
}

static void advance(uint64_t us) {
  fake.now += us;
  run_line();
  for (int i = 0; i < CHANNELS; i++) run_converter(&fake.converters[i]);
}

void fake_boot(void) {
  fake = (struct fake){.reset_cause = 1, .sent = sent_bytes};
  memset(fake.eeprom, 0xFF, sizeof fake.eeprom);
  waiting_length = 0;
  line_free_at = 0;
  i2c_event = HAL_I2C_BUSY;
  i2c_addressed = false;
  stopping_until = 0;
  for (int i = 0; i < CHANNELS; i++) {
    fake.converters[i] = (struct fake_converter){
      .present = true, .period_us = 12500, .counts = (uint32_t)(i + 1) * 1000, .step = 1, .pulses = 25,
      .next_at = (uint64_t)(i + 1) * 700};
  }
  fake.i2c.address = 0x2A;
  for (int i = 0; i < 256; i++) fake.i2c.registers[i] = (uint8_t)(255 - i);
  bridge_setup();
  fake_run_ms(20);
  fake_forget_sent();
}

void fake_forget_sent(void) {
  fake.sent_length = 0;
}

void fake_run_us(uint64_t us) {
  for (uint64_t end = fake.now + us; fake.now < end;) {
    bridge_loop();
    advance(ROUND_US);
  }
}

void fake_run_ms(uint64_t ms) {
  fake_run_us(ms * 1000);
}

void fake_receive(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (waiting_length == RECEIVE_BUFFER) fake.receive_errors++;
    else waiting[waiting_length++] = bytes[i];
    fake_run_us(BYTE_US);
  }
}

void fake_receive_hex(const char *hex) {
  uint8_t bytes[256];
  size_t length = strlen(hex) / 2;
  for (size_t i = 0; i < length; i++) {
    char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
    bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
  }
  fake_receive(bytes, length);
}

uint32_t hal_micros(void) {
  return (uint32_t)(fake.now + fake.offset);
}

bool hal_receive(uint8_t *byte) {
  if (waiting_length == 0) return false;
  *byte = waiting[0];
  memmove(waiting, waiting + 1, --waiting_length);
  return true;
}

uint16_t hal_receive_errors(void) {
  return fake.receive_errors;
}

uint8_t hal_send_room(void) {
  return (uint8_t)(SEND_BUFFER - fake.queued);
}

void hal_send(uint8_t byte) {
  if (fake.queued == SEND_BUFFER) fail("it queued a byte without room for it");
  fake.queued++;
  if (fake.sent_length < FAKE_SENT_MAX) fake.sent[fake.sent_length++] = byte;
}

bool hal_send_done(void) {
  return fake.queued == 0;
}

uint8_t hal_ready(void) {
  uint8_t low = 0;
  for (int i = 0; i < CHANNELS; i++) {
    if (fake.converters[i].ready || fake.converters[i].stuck_low) low |= (uint8_t)(1u << i);
  }
  return low;
}

void hal_clock(uint8_t channel, bool high) {
  struct fake_converter *c = &fake.converters[channel];
  if (high && !c->clock_high) c->high_since = fake.now;
  run_converter(c);
  if (!high && c->powered_down) {
    c->powered_down = false;
    c->pulses = 25;
    c->next_at = fake.now + SETTLING_PERIODS * c->period_us;
    c->power_ups++;
  }
  c->clock_high = high;
}

enum hal_read hal_read(uint8_t channel, uint8_t pulses, uint32_t *counts) {
  struct fake_converter *c = &fake.converters[channel];
  if (c->clock_high) fail("it read a converter whose clock is high");
  if (pulses < 25 || pulses > 27) fail("it sent a number of pulses that means nothing");
  advance(READ_US);
  c->reads++;
  c->ready = false;
  if (c->clock_too_long) {
    c->clock_too_long = false;
    return HAL_READ_CLOCK_TOO_LONG;
  }
  *counts = c->stuck_low ? 0 : c->value;
  c->pulses = pulses;
  return c->stuck_low ? HAL_READ_NOT_HIGH : HAL_READ_OK;
}

void hal_rate(bool fast) {
  fake.rate_fast = fast;
}

static void i2c_ends(enum hal_i2c event) {
  if (i2c_event != HAL_I2C_BUSY && i2c_done_at > fake.now) fail("it asked for a step of the bus before the last one ended");
  i2c_event = event;
  i2c_done_at = fake.now + I2C_STEP_US;
}

void hal_i2c_enable(void) {
}

void hal_i2c_start(void) {
  if (stopping_until > fake.now) fail("it started while a stop is under way");
  if (fake.i2c.starts < 8) fake.i2c.started_at[fake.i2c.starts] = fake.now;
  fake.i2c.starts++;
  i2c_addressed = false;
  i2c_ends(HAL_I2C_STARTED);
}

void hal_i2c_write(uint8_t byte) {
  if (!i2c_addressed) {
    i2c_addressed = true;
    i2c_reading = (byte & 1) != 0;
    i2c_pointer_next = true;
    i2c_ends(byte >> 1 == fake.i2c.address ? HAL_I2C_ACK : HAL_I2C_NACK);
    return;
  }
  if (i2c_reading) fail("it wrote after it had asked to read");
  if (i2c_pointer_next) fake.i2c.pointer = byte;
  else fake.i2c.registers[fake.i2c.pointer++] = byte;
  i2c_pointer_next = false;
  i2c_ends(HAL_I2C_ACK);
}

void hal_i2c_read(bool more) {
  (void)more;
  if (!i2c_reading) fail("it read without having asked to");
  i2c_ends(HAL_I2C_DATA);
}

uint8_t hal_i2c_data(void) {
  return fake.i2c.registers[fake.i2c.pointer++];
}

void hal_i2c_stop(void) {
  fake.i2c.stops++;
  i2c_event = HAL_I2C_BUSY;
  stopping_until = fake.now + I2C_STEP_US / 4;
}

bool hal_i2c_stopping(void) {
  return stopping_until > fake.now;
}

enum hal_i2c hal_i2c_poll(void) {
  if (fake.i2c.stuck || i2c_done_at > fake.now) return HAL_I2C_BUSY;
  if (fake.i2c.lost) {
    fake.i2c.lost = false;
    return HAL_I2C_ERROR;
  }
  return i2c_event;
}

void hal_i2c_recover(void) {
  fake.i2c.recoveries++;
  i2c_event = HAL_I2C_BUSY;
  i2c_done_at = 0;
}

uint8_t hal_reset_cause(void) {
  return fake.reset_cause;
}

uint16_t hal_signature(void) {
  return 0x950F;
}

void hal_serial_load(uint8_t serial[SERIAL_LENGTH]) {
  memcpy(serial, fake.eeprom, SERIAL_LENGTH);
}

bool hal_serial_store(const uint8_t serial[SERIAL_LENGTH]) {
  if (fake.eeprom_broken) return false;
  memcpy(fake.eeprom, serial, SERIAL_LENGTH);
  return true;
}

void hal_round(void) {
}

void hal_wait(void) {
}

void hal_alive(void) {
}

void hal_restart(void) {
  fake.restarted = true;
  bridge_setup();
}
