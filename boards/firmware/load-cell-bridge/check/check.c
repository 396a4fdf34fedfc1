#include "check.h"

#include <stdio.h>
#include <string.h>

#include "fake.h"

unsigned checks;
unsigned failures;
static const char *current = "";

void behaviour(const char *name) {
  current = name;
}

void check_that(bool holds, const char *file, int line, const char *what) {
  checks++;
  if (holds) return;
  failures++;
  fprintf(stderr, "%s:%d: %s: %s\n", file, line, current, what);
}

void check_equal(long long got, long long wanted, const char *file, int line, const char *what) {
  checks++;
  if (got == wanted) return;
  failures++;
  fprintf(stderr, "%s:%d: %s: %s is %lld, wanted %lld\n", file, line, current, what, got, wanted);
}

/* The checksum bit by bit, as its definition says. */
static uint16_t reference_crc(uint8_t id, const uint8_t *bytes, size_t length) {
  uint16_t crc = 0xFFFF;
  for (size_t i = 0; i <= length; i++) {
    uint8_t byte = i == 0 ? id : bytes[i - 1];
    for (int bit = 7; bit >= 0; bit--) {
      bool top = (crc & 0x8000) != 0;
      crc = (uint16_t)(crc << 1);
      if (top != (((byte >> bit) & 1) != 0)) crc ^= 0x1021;
    }
  }
  return crc;
}

static void unpack(struct message *message, const uint8_t *from, size_t length) {
  memset(message->payload, 0, sizeof message->payload);
  for (size_t bit = 0; bit < length * 7; bit++) {
    if ((from[bit / 7] >> (bit % 7)) & 1) message->payload[bit / 8] |= (uint8_t)(1u << (bit % 8));
  }
  message->length = length * 7 / 8;
}

static void decode_own(struct message *message, const uint8_t *from, size_t length) {
  unpack(message, from, length);
  if (message->length < 2) {
    check_that(false, __FILE__, __LINE__, "a message of the bridge is too short for a checksum");
    return;
  }
  message->length -= 2;
  uint16_t crc = reference_crc(message->id, message->payload, message->length);
  message->own = u16_at(message, message->length) == crc;
  check_that(message->own, __FILE__, __LINE__, "a message of the bridge has a checksum that matches");
}

bool next_message(size_t *at, struct message *message) {
  const uint8_t *sent = fake.sent;
  if (*at >= fake.sent_length) return false;
  message->own = false;
  message->length = 0;
  if (sent[*at] == 0xF9) {
    message->id = 0xF9;
    *at += 3;
    return *at <= fake.sent_length;
  }
  check_equal(sent[*at], 0xF0, __FILE__, __LINE__, "the first byte of a message");
  size_t end = *at + 1;
  while (end < fake.sent_length && sent[end] < 0x80) end++;
  if (end >= fake.sent_length || sent[end] != 0xF7) {
    check_that(false, __FILE__, __LINE__, "a message ends with F7");
    return false;
  }
  message->id = sent[*at + 1];
  if (message->id < 0x10) {
    decode_own(message, sent + *at + 2, end - *at - 2);
  } else {
    message->length = end - *at - 2;
    memcpy(message->payload, sent + *at + 2, message->length);
  }
  *at = end + 1;
  return true;
}

size_t count_messages(uint8_t id, struct message *last) {
  struct message message;
  size_t count = 0;
  for (size_t at = 0; next_message(&at, &message);) {
    if (message.id != id) continue;
    count++;
    if (last != NULL) *last = message;
  }
  return count;
}

size_t count_notices(uint8_t kind, uint8_t channel, uint16_t *detail) {
  struct message message;
  size_t count = 0;
  for (size_t at = 0; next_message(&at, &message);) {
    if (message.id != 0x0B || message.payload[0] != kind || message.payload[1] != channel) continue;
    count++;
    if (detail != NULL) *detail = u16_at(&message, 2);
  }
  return count;
}

void tell(uint8_t id, const uint8_t *payload, size_t length) {
  uint8_t bytes[256] = {0};
  uint8_t wire[256] = {0xF0, id};
  if (length > 0) memcpy(bytes, payload, length);
  uint16_t crc = reference_crc(id, payload, length);
  bytes[length] = (uint8_t)crc;
  bytes[length + 1] = (uint8_t)(crc >> 8);
  size_t bits = (length + 2) * 8;
  for (size_t bit = 0; bit < bits; bit++) {
    if ((bytes[bit / 8] >> (bit % 8)) & 1) wire[2 + bit / 7] |= (uint8_t)(1u << (bit % 7));
  }
  size_t packed = (bits + 6) / 7;
  wire[2 + packed] = 0xF7;
  fake_receive(wire, packed + 3);
  fake_run_us(500);
}

void expect_answer(uint8_t id, const uint8_t *payload, size_t length, uint8_t result) {
  struct message answer = {0};
  fake_forget_sent();
  tell(id, payload, length);
  check_equal((long long)count_messages(0x07, &answer), 1, __FILE__, __LINE__, "the number of answers");
  check_equal(answer.payload[0], id, __FILE__, __LINE__, "the message answered");
  check_equal(answer.payload[1], result, __FILE__, __LINE__, "the answer's result");
}

uint16_t u16_at(const struct message *message, size_t offset) {
  return (uint16_t)(message->payload[offset] | message->payload[offset + 1] << 8);
}

uint32_t u32_at(const struct message *message, size_t offset) {
  return (uint32_t)u16_at(message, offset) | (uint32_t)u16_at(message, offset + 2) << 16;
}

int main(void) {
  check_codec();
  check_commands();
  check_firmata();
  check_channels();
  check_frames();
  check_i2c();
  check_fuzz();
  printf("%u checks, %u failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
