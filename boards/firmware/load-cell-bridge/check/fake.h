/* A chip made of memory, in virtual time: converters, an I²C chip and a serial line that do what the tests ask. */
#ifndef CARTWRIGHT_FAKE_H
#define CARTWRIGHT_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/hal.h"

struct fake_converter {
  bool present;
  bool stuck_low;
  bool clock_too_long;  /* the next read is refused */
  uint32_t period_us;
  uint32_t counts;      /* what the next conversion gives */
  uint32_t step;        /* added after each conversion */
  uint8_t pulses;       /* of the last read: the gain it runs with */
  /* State. */
  bool clock_high;
  bool powered_down;
  bool ready;
  uint32_t value;
  uint64_t high_since;
  uint64_t next_at;
  unsigned power_ups;
  unsigned reads;
  unsigned overwritten;
};

struct fake_i2c {
  uint8_t address;
  uint8_t registers[256];
  bool stuck;           /* no step ever ends */
  bool lost;            /* arbitration lost at the next step */
  uint8_t pointer;
  unsigned recoveries;
  unsigned stops;
  unsigned starts;
  uint64_t started_at[8];
};

enum { FAKE_SENT_MAX = 1 << 20 };

struct fake {
  uint64_t now;         /* µs */
  uint32_t offset;      /* added to the time that the bridge sees: to let it wrap */
  bool line_blocked;    /* nothing leaves the send buffer */
  uint8_t reset_cause;
  bool eeprom_broken;
  uint8_t eeprom[SERIAL_LENGTH];
  bool restarted;
  bool rate_fast;
  uint16_t receive_errors;
  struct fake_converter converters[CHANNELS];
  struct fake_i2c i2c;
  uint8_t *sent;
  size_t sent_length;
  unsigned queued;
};

extern struct fake fake;

/** A fresh chip with all converters at 80 samples a second; the bridge is set up and its greeting is forgotten. */
void fake_boot(void);
/** Lets time pass and the bridge work, 25 µs a round. */
void fake_run_us(uint64_t us);
void fake_run_ms(uint64_t ms);
/** Puts bytes on the line to the bridge, as fast as the line carries them, and lets it work. */
void fake_receive(const uint8_t *bytes, size_t length);
void fake_receive_hex(const char *hex);
void fake_forget_sent(void);

#endif
