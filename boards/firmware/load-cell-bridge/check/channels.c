#include <string.h>

#include "check.h"
#include "fake.h"

enum { MISSING = 1, BACK, REJECTED, STUCK, UNSTUCK, BAD_CRC, DROPPED, I2C, LATE };

static void start(uint8_t mask, uint8_t rate, uint8_t gain) {
  const uint8_t payload[] = {mask, rate, gain};
  expect_answer(0x01, payload, sizeof payload, 0);
  for (int i = 0; i < CHANNELS; i++) fake.converters[i].overwritten = 0;
  fake_forget_sent();
}

struct received {
  size_t samples[CHANNELS];
  uint32_t first[CHANNELS];
  uint32_t last[CHANNELS];
  size_t jumps;
};

static struct received received(void) {
  struct received all = {0};
  struct message message;
  for (size_t at = 0; next_message(&at, &message);) {
    if (message.id != 0x08) continue;
    size_t offset = 7;
    for (int i = 0; i < CHANNELS; i++) {
      if ((message.payload[6] >> i & 1) == 0) continue;
      uint32_t counts = u32_at(&message, offset) >> 8;
      if (all.samples[i]++ == 0) all.first[i] = counts;
      else if (counts != ((all.last[i] + fake.converters[i].step) & 0xFFFFFF)) all.jumps++;
      all.last[i] = counts;
      offset += 4;
    }
    EQUAL(message.length, offset);
  }
  return all;
}

static struct message status(void) {
  struct message message = {0};
  fake_forget_sent();
  tell(0x05, NULL, 0);
  EQUAL(count_messages(0x09, &message), 1);
  return message;
}

static uint8_t flags(int channel) {
  return status().payload[20 + 7 * channel];
}

static void every_conversion_arrives(void) {
  behaviour("every conversion of eight converters arrives once, after four that settle");
  fake_boot();
  for (int i = 0; i < CHANNELS; i++) {
    fake.converters[i].period_us = (uint32_t)(12300 + 50 * i);
    fake.converters[i].counts = 0xFFFF80u + (uint32_t)i;
  }
  start(0xFF, 80, 128);
  uint32_t before[CHANNELS];
  for (int i = 0; i < CHANNELS; i++) before[i] = fake.converters[i].counts;
  fake_run_ms(5000);
  struct received all = received();
  EQUAL(all.jumps, 0);
  for (int i = 0; i < CHANNELS; i++) {
    EQUAL(all.first[i], (before[i] + 4) & 0xFFFFFF);
    CHECK(all.samples[i] > 380);
    EQUAL(fake.converters[i].overwritten, 0);
    EQUAL(fake.converters[i].power_ups, 1);
  }
}

static void gain_is_set_first(void) {
  behaviour("another gain is set by the first read, and four more settle");
  fake_boot();
  start(1, 80, 64);
  uint32_t before = fake.converters[0].counts;
  fake_run_ms(500);
  EQUAL(received().first[0], before + 5);
  EQUAL(fake.converters[0].pulses, 27);
  behaviour("a gain change while streaming drops the conversion of the old gain and four more");
  uint32_t last = received().last[0];
  fake_forget_sent();
  TELL(0x04, 1, 32);
  fake_run_ms(500);
  struct received all = received();
  EQUAL(fake.converters[0].pulses, 26);
  CHECK(all.first[0] - last >= 6 && all.first[0] - last <= 7);
}

static void rate_is_driven(void) {
  behaviour("A3 drives RATE while channel 7 is unused");
  fake_boot();
  start(0x7F, 80, 128);
  CHECK(fake.rate_fast);
  for (int i = 0; i < CHANNELS; i++) fake.converters[i].period_us = 100000;
  TELL(0x03, 10);
  CHECK(!fake.rate_fast);
  fake_forget_sent();
  fake_run_ms(300);
  EQUAL(count_messages(0x08, NULL), 0);
  fake_run_ms(2000);
  EQUAL(count_notices(LATE, 0, NULL), 0);
  EQUAL(count_notices(MISSING, 0, NULL), 0);
  CHECK(received().samples[0] >= 17);
  behaviour("with channel 7 in use A3 is its clock");
  fake_boot();
  start(0xFF, 80, 128);
  CHECK(!fake.rate_fast);
}

static void missing_and_back(void) {
  behaviour("an absent converter is told within a second, and is back when it is");
  fake_boot();
  fake.converters[2].present = false;
  start(0x0F, 80, 128);
  fake_run_ms(900);
  EQUAL(count_notices(MISSING, 2, NULL), 1);
  EQUAL(count_notices(MISSING, 1, NULL), 0);
  EQUAL(received().samples[2], 0);
  CHECK(received().samples[1] > 60);
  EQUAL(flags(2), 1 | 2 | 4);
  fake_forget_sent();
  fake_run_ms(5000);
  EQUAL(count_notices(MISSING, 2, NULL), 0);
  fake.converters[2].present = true;
  fake.converters[2].next_at = fake.now + 50000;
  fake_forget_sent();
  fake_run_ms(1000);
  EQUAL(count_notices(BACK, 2, NULL), 1);
  CHECK(received().samples[2] > 40);
  EQUAL(flags(2), 1);
  behaviour("at ten samples a second too");
  fake_boot();
  for (int i = 0; i < CHANNELS; i++) fake.converters[i].period_us = 100000;
  fake.converters[0].present = false;
  start(0x03, 10, 128);
  fake_run_ms(1000);
  EQUAL(count_notices(MISSING, 0, NULL), 1);
  EQUAL(count_notices(MISSING, 1, NULL), 0);
}

static void stuck_line(void) {
  behaviour("a data line that stays low is rejected, then told as stuck, and recovers");
  fake_boot();
  start(0x03, 80, 128);
  fake_run_ms(500);
  fake.converters[1].stuck_low = true;
  fake_forget_sent();
  fake_run_ms(500);
  EQUAL(count_notices(REJECTED, 1, NULL), 1);
  EQUAL(count_notices(STUCK, 1, NULL), 1);
  EQUAL(count_notices(MISSING, 1, NULL), 0);
  CHECK(received().samples[0] >= 39);
  EQUAL(flags(1), 1 | 4 | 8);
  fake.converters[1].stuck_low = false;
  fake_forget_sent();
  fake_run_ms(1000);
  EQUAL(count_notices(UNSTUCK, 1, NULL), 1);
  CHECK(received().samples[1] > 40);
  EQUAL(received().jumps, 0);
  behaviour("a line that is low from the start is never read");
  fake_boot();
  fake.converters[0].stuck_low = true;
  start(0x01, 80, 128);
  fake_run_ms(300);
  EQUAL(fake.converters[0].reads, 0);
  EQUAL(count_notices(STUCK, 0, NULL), 1);
}

static void rejected_conversions(void) {
  behaviour("a conversion whose clock was high too long is not sent; the converter is powered down and up");
  fake_boot();
  start(0x01, 80, 64);
  fake_run_ms(500);
  unsigned ups = fake.converters[0].power_ups;
  uint32_t last = received().last[0];
  fake.converters[0].clock_too_long = true;
  fake_forget_sent();
  fake_run_ms(500);
  uint16_t detail = 0;
  EQUAL(count_notices(REJECTED, 0, &detail), 1);
  EQUAL(detail, 1);
  EQUAL(fake.converters[0].power_ups, ups + 1);
  EQUAL(fake.converters[0].pulses, 27);
  CHECK(received().first[0] - last > 5);
  EQUAL(received().jumps, 0);
  struct message report = status();
  EQUAL(u16_at(&report, 23), 1);
}

static void late_conversions(void) {
  behaviour("a conversion more than one and a half periods after the last is counted as late");
  fake_boot();
  start(0x01, 80, 128);
  fake_run_ms(500);
  fake_forget_sent();
  fake.converters[0].next_at += 12500;
  fake_run_ms(200);
  uint16_t detail = 0;
  EQUAL(count_notices(LATE, 0, &detail), 1);
  EQUAL(detail, 1);
  struct message report = status();
  EQUAL(u16_at(&report, 25), 1);
}

static void saturation(void) {
  behaviour("full scale is flagged while it lasts");
  fake_boot();
  start(0x01, 80, 128);
  fake_run_ms(300);
  fake.converters[0].counts = 0x7FFFFF;
  fake.converters[0].step = 0;
  fake_run_ms(50);
  EQUAL(flags(0), 1 | 16);
  fake.converters[0].counts = 0x800000;
  fake_run_ms(50);
  EQUAL(flags(0), 1 | 16);
  fake.converters[0].counts = 5;
  fake_run_ms(50);
  EQUAL(flags(0), 1);
}

static void notices_are_limited(void) {
  behaviour("a flickering fault gives at most four notices of a kind a second");
  fake_boot();
  start(0x01, 80, 128);
  fake_run_ms(300);
  fake_forget_sent();
  for (int i = 0; i < 100; i++) {
    fake.converters[0].clock_too_long = true;
    fake_run_ms(100);
  }
  CHECK(fake.converters[0].reads > 50);
  size_t notices = count_notices(REJECTED, 0, NULL);
  CHECK(notices >= 20 && notices <= 41);
}

static void starting_anew(void) {
  behaviour("start while streaming begins anew: sequence from 0, counters at 0, what is wrong is told again");
  fake_boot();
  fake.converters[1].present = false;
  start(0x03, 80, 128);
  fake_run_ms(1000);
  start(0x03, 80, 128);
  fake_run_ms(1000);
  EQUAL(count_notices(MISSING, 1, NULL), 1);
  size_t at = 0;
  struct message message;
  while (next_message(&at, &message) && message.id != 0x08) continue;
  EQUAL(u16_at(&message, 0), 0);
  behaviour("after stop the flags are 0 and the counters stay");
  expect_answer(0x02, NULL, 0, 0);
  message = status();
  EQUAL(message.payload[20], 0);
  CHECK(u16_at(&message, 21) > 60);
  EQUAL(message.payload[5], 0);
}

static void time_wraps(void) {
  behaviour("nothing is lost or told when the microseconds wrap");
  fake_boot();
  fake.offset = (uint32_t)(UINT32_MAX - fake.now - 700000);
  tell(0x05, NULL, 0);
  start(0x0F, 80, 128);
  fake_run_ms(2000);
  EQUAL(received().jumps, 0);
  CHECK(received().samples[0] > 150);
  EQUAL(count_messages(0x0B, NULL), 0);
}

void check_channels(void) {
  every_conversion_arrives();
  gain_is_set_first();
  rate_is_driven();
  missing_and_back();
  stuck_line();
  rejected_conversions();
  late_conversions();
  saturation();
  notices_are_limited();
  starting_anew();
  time_wraps();
}
