#include "i2c.h"

#include "hal.h"
#include "notices.h"
#include "wire.h"

/* Each step of the bus takes 90 µs at 100 kHz; chips that stretch the clock longer than this are given up. */
#define STEP_LIMIT_US 10000u
enum {
  BYTES = 32,
  CONTINUOUS = 8,
  DEFAULT_INTERVAL_MS = 19,
  REPLY_ID = 0x77,
  REPLY_ENVELOPE = 7,
  MODE_MASK = 0x18,
  MODE_WRITE = 0x00,
  MODE_READ_ONCE = 0x08,
  MODE_READ_CONTINUOUSLY = 0x10,
  MODE_STOP = 0x18,
  MODE_TEN_BIT = 0x27,
  MODE_REPEATED_START = 0x40,
};

enum phase { IDLE, STARTING, ADDRESS_WRITE, WRITING, PAUSE_STOP, PAUSE, RESTARTING, ADDRESS_READ, READING, STOPPING, REPLY };

struct read {
  uint8_t address;
  uint8_t reg;
  uint8_t count;
  bool has_register;
  bool repeated_start;
};

static struct {
  uint8_t phase;
  uint8_t address;
  uint8_t reg;
  uint8_t to_write;
  uint8_t to_read;
  uint8_t done;
  bool repeated_start;
  uint32_t since;
  uint8_t bytes[BYTES];
} transfer;

static struct read continuous[CONTINUOUS];
static uint8_t continuous_count;
static uint8_t next_read;
static uint32_t interval_us;
static uint32_t last_round;
static uint16_t delay_us;
static uint16_t errors;
static bool enabled;

void i2c_reset(uint32_t now) {
  transfer.phase = IDLE;
  continuous_count = 0;
  next_read = 0;
  interval_us = DEFAULT_INTERVAL_MS * 1000u;
  last_round = now;
  delay_us = 0;
  errors = 0;
  enabled = false;
}

static void enable(void) {
  if (enabled) return;
  hal_i2c_enable();
  enabled = true;
}

void i2c_configure(uint16_t microseconds) {
  enable();
  delay_us = microseconds;
}

void i2c_set_interval(uint16_t ms) {
  interval_us = (ms == 0 ? 1u : ms) * 1000ul;
}

void i2c_stop_all(void) {
  continuous_count = 0;
  next_read = 0;
}

bool i2c_busy(void) {
  return transfer.phase != IDLE;
}

uint16_t i2c_errors(void) {
  return errors;
}

static void enter(enum phase phase) {
  transfer.phase = (uint8_t)phase;
  transfer.since = hal_micros();
}

static void begin(uint8_t address, uint8_t to_write, uint8_t to_read) {
  enable();
  transfer.address = address;
  transfer.to_write = to_write;
  transfer.to_read = to_read;
  transfer.done = 0;
  enter(to_write > 0 || to_read == 0 ? STARTING : RESTARTING);
  hal_i2c_start();
}

static void begin_read(const struct read *read) {
  transfer.reg = read->has_register ? read->reg : 0;
  transfer.repeated_start = read->repeated_start;
  transfer.bytes[0] = read->reg;
  begin(read->address, read->has_register ? 1 : 0, read->count);
}

static uint16_t halves(const uint8_t *data) {
  return (uint16_t)(data[0] | data[1] << 7);
}

static void request_write(uint8_t address, const uint8_t *data, uint8_t length) {
  uint8_t bytes = length / 2;
  if (length % 2 != 0 || bytes > BYTES) return;
  for (uint8_t i = 0; i < bytes; i++) transfer.bytes[i] = (uint8_t)halves(data + 2 * i);
  transfer.repeated_start = false;
  begin(address, bytes, 0);
}

static void remember(const struct read *read) {
  for (uint8_t i = 0; i < continuous_count; i++) {
    struct read *known = &continuous[i];
    if (known->address != read->address || known->has_register != read->has_register || known->reg != read->reg) continue;
    *known = *read;
    return;
  }
  if (continuous_count < CONTINUOUS) continuous[continuous_count++] = *read;
}

static void forget(uint8_t address) {
  uint8_t kept = 0;
  for (uint8_t i = 0; i < continuous_count; i++) {
    if (continuous[i].address != address) continuous[kept++] = continuous[i];
  }
  continuous_count = kept;
  next_read = 0;
}

/* Either a count, or a register and a count. */
static bool read_of(struct read *read, uint8_t address, uint8_t mode, const uint8_t *data, uint8_t length) {
  if (length != 2 && length != 4) return false;
  uint16_t count = halves(data + length - 2);
  uint16_t reg = length == 4 ? halves(data) : 0;
  if (count == 0 || count > BYTES || reg > UINT8_MAX) return false;
  *read = (struct read){address, (uint8_t)reg, (uint8_t)count, length == 4, (mode & MODE_REPEATED_START) != 0};
  return true;
}

void i2c_request(const uint8_t *data, uint8_t length) {
  if (length < 2 || (data[1] & MODE_TEN_BIT) != 0) return;
  uint8_t address = data[0];
  uint8_t mode = data[1];
  struct read read;
  switch (mode & MODE_MASK) {
    case MODE_WRITE: request_write(address, data + 2, (uint8_t)(length - 2)); break;
    case MODE_READ_ONCE:
      if (read_of(&read, address, mode, data + 2, (uint8_t)(length - 2))) begin_read(&read);
      break;
    case MODE_READ_CONTINUOUSLY:
      if (read_of(&read, address, mode, data + 2, (uint8_t)(length - 2))) remember(&read);
      break;
    default: forget(address); break;
  }
}

static void fail(void) {
  errors++;
  notices_set(NOTICE_I2C, NO_CHANNEL, transfer.address);
}

static void send_halves(uint8_t byte) {
  hal_send(byte & 0x7F);
  hal_send(byte >> 7);
}

static void reply(void) {
  if (hal_send_room() < REPLY_ENVELOPE + 2 * transfer.to_read) return;
  hal_send(WIRE_SYSEX);
  hal_send(REPLY_ID);
  send_halves(transfer.address);
  send_halves(transfer.reg);
  for (uint8_t i = 0; i < transfer.to_read; i++) send_halves(transfer.bytes[i]);
  hal_send(WIRE_END);
  transfer.phase = IDLE;
}

static void stop(enum phase next) {
  hal_i2c_stop();
  enter(next);
}

static void write_next(void) {
  if (transfer.done < transfer.to_write) {
    enter(WRITING);
    hal_i2c_write(transfer.bytes[transfer.done++]);
  } else if (transfer.to_read == 0) {
    stop(STOPPING);
  } else if (transfer.repeated_start && delay_us == 0) {
    enter(RESTARTING);
    hal_i2c_start();
  } else {
    stop(PAUSE_STOP);
  }
}

static void read_next(void) {
  enter(READING);
  hal_i2c_read(transfer.done + 1 < transfer.to_read);
}

/* What the bus has done, by the phase it was asked in; false when that isn't what was expected. */
static bool advance(enum hal_i2c event) {
  switch (transfer.phase) {
    case STARTING:
      if (event != HAL_I2C_STARTED) return false;
      enter(ADDRESS_WRITE);
      hal_i2c_write((uint8_t)(transfer.address << 1));
      return true;
    case ADDRESS_WRITE:
    case WRITING:
      if (event != HAL_I2C_ACK) return false;
      write_next();
      return true;
    case RESTARTING:
      if (event != HAL_I2C_STARTED) return false;
      transfer.done = 0;
      enter(ADDRESS_READ);
      hal_i2c_write((uint8_t)(transfer.address << 1 | 1));
      return true;
    case ADDRESS_READ:
      if (event != HAL_I2C_ACK) return false;
      read_next();
      return true;
    default:
      if (event != HAL_I2C_DATA) return false;
      transfer.bytes[transfer.done++] = hal_i2c_data();
      if (transfer.done < transfer.to_read) read_next();
      else stop(STOPPING);
      return true;
  }
}

static void next_continuous(uint32_t now) {
  if (continuous_count == 0) return;
  if (next_read == 0) {
    if (now - last_round < interval_us) return;
    last_round = now;
  }
  begin_read(&continuous[next_read]);
  next_read = (uint8_t)((next_read + 1) % continuous_count);
}

static void finish_stop(void) {
  transfer.phase = transfer.to_read > 0 && transfer.done == transfer.to_read ? REPLY : IDLE;
}

static void step_bus(void) {
  enum hal_i2c event = hal_i2c_poll();
  if (event == HAL_I2C_BUSY) return;
  if (advance(event)) return;
  fail();
  transfer.to_read = 0;
  if (event == HAL_I2C_NACK) {
    stop(STOPPING);
  } else {
    hal_i2c_recover();
    transfer.phase = IDLE;
  }
}

void i2c_step(uint32_t now) {
  switch (transfer.phase) {
    case IDLE: next_continuous(now); return;
    case REPLY: reply(); return;
    case PAUSE:
      if (hal_micros() - transfer.since < delay_us) return;
      enter(RESTARTING);
      hal_i2c_start();
      return;
    case PAUSE_STOP:
      if (!hal_i2c_stopping()) enter(PAUSE);
      break;
    case STOPPING:
      if (!hal_i2c_stopping()) finish_stop();
      break;
    default: step_bus(); break;
  }
  if (transfer.phase != IDLE && transfer.phase != REPLY && hal_micros() - transfer.since > STEP_LIMIT_US) {
    fail();
    hal_i2c_recover();
    transfer.phase = IDLE;
  }
}
