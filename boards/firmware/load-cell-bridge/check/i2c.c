#include <string.h>

#include "check.h"
#include "fake.h"

static void writes_and_reads(void) {
  behaviour("a write reaches the chip; a read gives address, register and bytes");
  fake_boot();
  struct message reply = {0};
  fake_receive_hex("f0780000f7");
  fake_receive_hex("f0762a00100011003701f7");
  fake_run_ms(5);
  EQUAL(fake.i2c.registers[0x10], 0x11);
  EQUAL(fake.i2c.registers[0x11], 0xB7);
  EQUAL(fake.sent_length, 0);
  fake_receive_hex("f0762a0810000200f7");
  fake_run_ms(5);
  EQUAL(count_messages(0x77, &reply), 1);
  EQUAL(reply.length, 8);
  CHECK(memcmp(reply.payload, "\x2A\x00\x10\x00\x11\x00\x37\x01", 8) == 0);
  behaviour("a read without a register goes on where the chip is, and is answered as register 0");
  fake_forget_sent();
  fake_receive_hex("f0762a080300f7");
  fake_run_ms(5);
  EQUAL(count_messages(0x77, &reply), 1);
  CHECK(memcmp(reply.payload, "\x2A\x00\x00\x00\x6D\x01\x6C\x01\x6B\x01", 10) == 0);
}

static void delay_and_repeated_start(void) {
  behaviour("the delay passes between naming a register and reading it");
  fake_boot();
  fake_receive_hex("f0786807f7");
  fake_receive_hex("f0762a0810000200f7");
  fake_run_ms(10);
  EQUAL(fake.i2c.starts, 2);
  EQUAL(fake.i2c.stops, 2);
  CHECK(fake.i2c.started_at[1] - fake.i2c.started_at[0] >= 1000);
  behaviour("a repeated start makes no stop in between");
  fake_boot();
  fake_receive_hex("f0762a4810000200f7");
  fake_run_ms(10);
  EQUAL(fake.i2c.starts, 2);
  EQUAL(fake.i2c.stops, 1);
  EQUAL(count_messages(0x77, NULL), 1);
}

static void continuous_reads(void) {
  behaviour("continuous reads come at the sampling interval until stopped");
  fake_boot();
  fake_receive_hex("f07a1400f7");
  fake_receive_hex("f0762a1010000600f7f0762a1020000100f7");
  fake_run_ms(1000);
  size_t replies = count_messages(0x77, NULL);
  CHECK(replies >= 98 && replies <= 102);
  fake_receive_hex("f0762a18f7");
  fake_run_ms(50);
  fake_forget_sent();
  fake_run_ms(200);
  EQUAL(fake.sent_length, 0);
}

static void failures_are_told(void) {
  behaviour("a chip that doesn't answer is told with its address, and the next transfer works");
  fake_boot();
  uint16_t detail = 0;
  fake_receive_hex("f076310810000200f7f0762a0810000200f7");
  fake_run_ms(10);
  EQUAL(count_notices(8, 255, &detail), 1);
  EQUAL(detail, 0x31);
  EQUAL(count_messages(0x77, NULL), 1);
  behaviour("lost arbitration is told and the bus recovered");
  fake_run_ms(500);
  fake_forget_sent();
  fake.i2c.lost = true;
  fake_receive_hex("f0762a0810000200f7f0762a0810000200f7");
  fake_run_ms(10);
  EQUAL(fake.i2c.recoveries, 1);
  EQUAL(count_messages(0x77, NULL), 1);
}

static void a_stuck_bus_holds_up_nobody(void) {
  behaviour("with a stuck bus conversions go on, commands are answered, and it is told at most four times a second");
  fake_boot();
  TELL(0x01, 0xFF, 80, 128);
  fake_run_ms(500);
  unsigned overwritten[CHANNELS];
  for (int i = 0; i < CHANNELS; i++) overwritten[i] = fake.converters[i].overwritten;
  fake_receive_hex("f0762a1010000600f7");
  fake.i2c.stuck = true;
  fake_forget_sent();
  fake_run_ms(1000);
  CHECK(fake.i2c.recoveries > 20);
  EQUAL(count_messages(0x08, NULL), 80);
  size_t told = count_notices(8, 255, NULL);
  CHECK(told >= 3 && told <= 5);
  for (int i = 0; i < CHANNELS; i++) EQUAL(fake.converters[i].overwritten, overwritten[i]);
  fake_forget_sent();
  tell(0x06, NULL, 0);
  fake_run_ms(15);
  EQUAL(count_messages(0x0A, NULL), 1);
  fake.i2c.stuck = false;
  fake_forget_sent();
  fake_run_ms(100);
  CHECK(count_messages(0x77, NULL) >= 4);
}

static void odd_requests_are_ignored(void) {
  behaviour("ten-bit addresses, counts over 32 and halves without their pair are ignored");
  fake_boot();
  fake_receive_hex("f0762a2810000200f7f0762a0810002100f7f0762a08100000f7f0762a000f7ff7f0762a0010f7f076f7f0762af7f0762a0810000000f7");
  fake_receive_hex("f0762a0800020200f7");
  fake_run_ms(20);
  EQUAL(count_messages(0x77, NULL), 0);
}

void check_i2c(void) {
  writes_and_reads();
  delay_and_repeated_start();
  continuous_reads();
  failures_are_told();
  a_stuck_bus_holds_up_nobody();
  odd_requests_are_ignored();
}
