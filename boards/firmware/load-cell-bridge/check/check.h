/* What the tests share: expectations, and a decoder of the bridge's messages that is written apart from its encoder. */
#ifndef CARTWRIGHT_CHECK_H
#define CARTWRIGHT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern unsigned checks;
extern unsigned failures;
void check_that(bool holds, const char *file, int line, const char *what);
void check_equal(long long got, long long wanted, const char *file, int line, const char *what);
#define CHECK(condition) check_that((condition), __FILE__, __LINE__, #condition)
#define EQUAL(got, wanted) check_equal((long long)(got), (long long)(wanted), __FILE__, __LINE__, #got)

/** Names the behaviour that the next expectations are about. */
void behaviour(const char *name);

struct message {
  uint8_t id;
  bool own;             /* one of the bridge's, with a checksum that matches */
  uint8_t payload[512];
  size_t length;
};

/** The next message sent since `*at`, which moves on; false at the end. A broken one is a failure. */
bool next_message(size_t *at, struct message *message);
/** How many messages with this id were sent; the last of them in `last` where that isn't NULL. */
size_t count_messages(uint8_t id, struct message *last);
/** How many notices of this kind for this channel; the detail of the last in `detail` where that isn't NULL. */
size_t count_notices(uint8_t kind, uint8_t channel, uint16_t *detail);
/** Sends one of the bridge's own messages to it. */
void tell(uint8_t id, const uint8_t *payload, size_t length);
#define TELL(id, ...) tell((id), (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})
/** Sends a message and expects one answer to it with this result. */
void expect_answer(uint8_t id, const uint8_t *payload, size_t length, uint8_t result);
#define ANSWERED(result, id, ...) \
  expect_answer((id), (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__}, (result))

uint16_t u16_at(const struct message *message, size_t offset);
uint32_t u32_at(const struct message *message, size_t offset);

void check_codec(void);
void check_commands(void);
void check_firmata(void);
void check_channels(void);
void check_frames(void);
void check_i2c(void);
void check_fuzz(void);

#endif
