#include <string.h>

#include "../core/bridge.h"
#include "check.h"
#include "fake.h"

static void the_board_greets(void) {
  behaviour("at power-up the board says version, firmware and identity, in this order");
  fake_boot();
  bridge_setup();
  fake_run_ms(20);
  static const uint8_t start[] = {0xF9, 2, 7, 0xF0, 0x79, 1, 0, 'C', 0, 'a', 0, 'r', 0};
  CHECK(memcmp(fake.sent, start, sizeof start) == 0);
  size_t at = 0;
  struct message message;
  CHECK(next_message(&at, &message) && message.id == 0xF9);
  CHECK(next_message(&at, &message) && message.id == 0x79);
  EQUAL(message.length, 2 + 2 * strlen("CartwrightLoadCells"));
  CHECK(next_message(&at, &message) && message.id == 0x0F && message.own);
  CHECK(!next_message(&at, &message));
}

static void queries_are_answered(void) {
  behaviour("version, firmware, capabilities, analog mapping and pin state are answered");
  fake_boot();
  struct message message;
  fake_receive_hex("f9f079f7f06bf7f069f7f06d12f7f06d02f7f06d14f7f06df7");
  fake_run_ms(30);
  EQUAL(count_messages(0xF9, NULL), 1);
  EQUAL(count_messages(0x79, NULL), 1);
  EQUAL(count_messages(0x6C, &message), 1);
  EQUAL(message.length, 24);
  CHECK(memcmp(message.payload + 18, "\x06\x01\x7F\x06\x01\x7F", 6) == 0);
  EQUAL(count_messages(0x6A, &message), 1);
  EQUAL(message.length, 20);
  EQUAL(count_messages(0x6E, &message), 2);
  CHECK(memcmp(message.payload, "\x02\x7F\x00", 3) == 0);
}

static void the_rest_is_ignored(void) {
  behaviour("pin commands of other boards are ignored");
  fake_boot();
  fake_receive_hex("f40d01e00000910100c001d101f50d01f0710000f7f07bf7f0f7f7f7");
  fake_run_ms(5);
  EQUAL(fake.sent_length, 0);
  behaviour("a message that is too long is dropped whole");
  fake_receive_hex("f0");
  for (int i = 0; i < 300; i++) fake_receive_hex("06");
  fake_receive_hex("f7f9");
  EQUAL(fake.sent_length, 3);
}

static void reset_stops_streaming(void) {
  behaviour("a system reset stops streaming");
  fake_boot();
  TELL(0x01, 15, 80, 128);
  fake_run_ms(200);
  fake_forget_sent();
  fake_run_ms(100);
  CHECK(count_messages(0x08, NULL) > 0);
  fake_receive_hex("ff");
  fake_run_ms(20);
  fake_forget_sent();
  fake_run_ms(500);
  EQUAL(fake.sent_length, 0);
}

void check_firmata(void) {
  the_board_greets();
  queries_are_answered();
  the_rest_is_ignored();
  reset_stops_streaming();
}
