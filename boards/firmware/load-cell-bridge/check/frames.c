#include "check.h"
#include "fake.h"

static void frames_are_dated(void) {
  behaviour("time stamp less age is when the conversion was ready, within 200 µs");
  fake_boot();
  fake.converters[0].period_us = 12500;
  TELL(0x01, 1, 80, 128);
  fake_run_ms(500);
  fake_forget_sent();
  uint64_t ready = fake.converters[0].next_at;
  fake_run_ms(40);
  size_t at = 0;
  struct message message;
  CHECK(next_message(&at, &message) && message.id == 0x08);
  int64_t seen = (int64_t)u32_at(&message, 2) - message.payload[7] * 128;
  CHECK(seen - (int64_t)ready >= -128 && seen - (int64_t)ready <= 200);
}

static void conversions_of_one_moment_travel_together(void) {
  behaviour("conversions of one moment are one frame; those more than 8 ms apart are not");
  fake_boot();
  TELL(0x01, 0xFF, 80, 128);
  fake_run_ms(1000);
  fake_forget_sent();
  fake_run_ms(1000);
  EQUAL(count_messages(0x08, NULL), 80);
  fake_boot();
  for (int i = 0; i < CHANNELS; i++) fake.converters[i].period_us = 100000;
  TELL(0x01, 3, 10, 128);
  fake_run_ms(1000);
  fake.converters[1].next_at = fake.converters[0].next_at + 8200;
  fake_run_ms(150);
  fake_forget_sent();
  fake_run_ms(2000);
  EQUAL(count_messages(0x08, NULL), 40);
  fake.converters[1].next_at -= 1000;
  fake_run_ms(150);
  fake_forget_sent();
  fake_run_ms(2000);
  EQUAL(count_messages(0x08, NULL), 20);
}

static void lost_frames_are_seen(void) {
  behaviour("frames that the line doesn't take are counted, told, and leave a gap in the sequence");
  fake_boot();
  TELL(0x01, 0xFF, 80, 128);
  fake_run_ms(500);
  fake_forget_sent();
  fake.line_blocked = true;
  fake_run_ms(300);
  fake.line_blocked = false;
  fake_run_ms(500);
  uint16_t told = 0;
  CHECK(count_notices(7, 255, &told) >= 1);
  struct message message;
  size_t missing = 0;
  int previous = -1;
  for (size_t at = 0; next_message(&at, &message);) {
    if (message.id != 0x08) continue;
    if (previous >= 0) missing += (size_t)(u16_at(&message, 0) - previous - 1);
    previous = u16_at(&message, 0);
  }
  CHECK(missing >= 15);
  fake_forget_sent();
  tell(0x05, NULL, 0);
  EQUAL(count_messages(0x09, &message), 1);
  EQUAL(u16_at(&message, 12), missing);
}

static void a_blocked_line_holds_messages_back(void) {
  behaviour("answers wait for room, and none is lost or cut");
  fake_boot();
  fake.line_blocked = true;
  for (int i = 0; i < 6; i++) tell(0x05, NULL, 0);
  fake.line_blocked = false;
  fake_run_ms(200);
  EQUAL(count_messages(0x09, NULL), 6);
}

void check_frames(void) {
  frames_are_dated();
  conversions_of_one_moment_travel_together();
  lost_frames_are_seen();
  a_blocked_line_holds_messages_back();
}
