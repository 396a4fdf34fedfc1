#include <string.h>

#include "check.h"
#include "fake.h"

enum { DONE, MALFORMED, OUT_OF_RANGE, NOT_NOW, EEPROM_FAILED };

static void answers_say_what_was_wrong(void) {
  behaviour("answers say what was wrong");
  fake_boot();
  ANSWERED(MALFORMED, 0x01, 15, 80);
  ANSWERED(OUT_OF_RANGE, 0x01, 0, 80, 128);
  ANSWERED(OUT_OF_RANGE, 0x01, 15, 40, 128);
  ANSWERED(OUT_OF_RANGE, 0x01, 15, 80, 127);
  ANSWERED(NOT_NOW, 0x03, 80);
  ANSWERED(OUT_OF_RANGE, 0x03, 81);
  ANSWERED(NOT_NOW, 0x04, 1, 64);
  ANSWERED(MALFORMED, 0x05, 1);
  ANSWERED(MALFORMED, 0x0C, 1);
  ANSWERED(MALFORMED, 0x0E, 0xA5, 0x5A);
  ANSWERED(MALFORMED, 0x0D, 1, 2, 3);
  ANSWERED(DONE, 0x01, 15, 80, 128);
  ANSWERED(DONE, 0x04, 3, 64);
  ANSWERED(OUT_OF_RANGE, 0x04, 0x10, 64);
  ANSWERED(OUT_OF_RANGE, 0x04, 1, 65);
  ANSWERED(DONE, 0x03, 10);
  ANSWERED(NOT_NOW, 0x0D, 1, 2, 3, 4, 5, 6, 7, 8);
  expect_answer(0x02, NULL, 0, DONE);
  expect_answer(0x02, NULL, 0, DONE);
  CHECK(!fake.restarted);
}

static void echo_gives_back_what_came(void) {
  behaviour("echo gives back up to 24 bytes");
  fake_boot();
  uint8_t bytes[25];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 37);
  struct message reply;
  for (size_t length = 0; length <= 24; length++) {
    fake_forget_sent();
    tell(0x06, bytes, length);
    EQUAL(count_messages(0x0A, &reply), 1);
    EQUAL(reply.length, length);
    CHECK(memcmp(reply.payload, bytes, length) == 0);
  }
  expect_answer(0x06, bytes, 25, MALFORMED);
}

static void damaged_messages_are_told(void) {
  behaviour("a message with a bad checksum is not carried out, counted and told");
  fake_boot();
  fake_receive_hex("f0010f2001141709f7");
  fake_run_ms(2);
  uint16_t detail = 0;
  EQUAL(count_messages(0x07, NULL), 0);
  EQUAL(count_notices(6, 255, &detail), 1);
  EQUAL(detail, 1);
  behaviour("a message cut short by a command byte or another message is not carried out");
  fake_forget_sent();
  fake_receive_hex("f0023232fff7");
  fake_receive_hex("f00232f00c7c4000f7");
  fake_run_ms(2);
  EQUAL(count_messages(0x07, NULL), 0);
  EQUAL(count_messages(0x0F, NULL), 1);
  struct message status;
  fake.receive_errors = 5;
  tell(0x05, NULL, 0);
  EQUAL(count_messages(0x09, &status), 1);
  EQUAL(u16_at(&status, 14), 1);
  EQUAL(u16_at(&status, 16), 7);
}

static void the_serial_number_is_kept(void) {
  behaviour("the serial number is kept, and a failing EEPROM is told");
  fake_boot();
  ANSWERED(DONE, 0x0D, 'C', 'W', '0', '0', '0', '0', '4', '2');
  struct message identity;
  tell(0x0C, NULL, 0);
  EQUAL(count_messages(0x0F, &identity), 1);
  EQUAL(identity.length, 16);
  CHECK(memcmp(identity.payload + 7, "CW000042", 8) == 0);
  EQUAL(u16_at(&identity, 5), 0x950F);
  EQUAL(identity.payload[15], 1);
  fake.eeprom_broken = true;
  ANSWERED(EEPROM_FAILED, 0x0D, 1, 2, 3, 4, 5, 6, 7, 8);
}

static void restart_answers_first(void) {
  behaviour("a restart is answered before it happens, and greets afterwards");
  fake_boot();
  TELL(0x0E, 0x5A, 0xA5);
  fake_run_ms(20);
  CHECK(fake.restarted);
  EQUAL(count_messages(0x07, NULL), 1);
  EQUAL(count_messages(0xF9, NULL), 1);
  EQUAL(count_messages(0x0F, NULL), 1);
}

static void status_counts(void) {
  behaviour("status tells uptime, rate and counters");
  fake_boot();
  struct message status;
  ANSWERED(DONE, 0x01, 3, 80, 128);
  fake_run_ms(1000);
  fake_forget_sent();
  tell(0x05, NULL, 0);
  CHECK(count_messages(0x09, &status) == 1);
  EQUAL(status.length, 76);
  CHECK(u32_at(&status, 1) >= 1020 && u32_at(&status, 1) <= 1030);
  EQUAL(status.payload[5], 1);
  EQUAL(status.payload[6], 3);
  EQUAL(status.payload[7], 80);
  CHECK(u32_at(&status, 8) > 60);
  EQUAL(status.payload[20], 1);
  CHECK(u16_at(&status, 21) > 65);
  EQUAL(status.payload[20 + 7 * 2], 0);
}

void check_commands(void) {
  answers_say_what_was_wrong();
  echo_gives_back_what_came();
  damaged_messages_are_told();
  the_serial_number_is_kept();
  restart_answers_first();
  status_counts();
}
