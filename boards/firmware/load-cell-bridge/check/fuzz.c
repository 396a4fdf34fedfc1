/* The receive path under bytes that nobody sends: random ones, and true messages that were damaged. The sanitizers watch. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fake.h"
#include "vectors.h"

static uint32_t state = 0x2545F491;

/* xorshift32 (Marsaglia): the same inputs on every run. */
static uint32_t any(uint32_t below) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state % below;
}

static size_t message_of_vector(uint8_t *bytes) {
  const char *hex = vectors[any(sizeof vectors / sizeof *vectors)].wire;
  size_t length = strlen(hex) / 2;
  for (size_t i = 0; i < length; i++) {
    char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
    bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
  }
  return length;
}

static size_t noise(uint8_t *bytes) {
  size_t length = any(90);
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)any(any(2) ? 256 : 128);
  if (length > 2 && any(2)) {
    static const uint8_t ids[] = {0x01, 0x04, 0x06, 0x0D, 0x0E, 0x69, 0x6D, 0x76, 0x76, 0x78, 0x79, 0x7A};
    bytes[0] = 0xF0;
    bytes[1] = ids[any(sizeof ids)];
    bytes[length - 1] = 0xF7;
  }
  return length;
}

static size_t damaged(uint8_t *bytes) {
  size_t length = message_of_vector(bytes);
  switch (any(4)) {
    case 0: bytes[any((uint32_t)length)] ^= (uint8_t)(1u << any(8)); break;
    case 1: return any((uint32_t)length + 1);
    case 2: memmove(bytes + 1, bytes, length - 1); break;
    default: break;
  }
  return length;
}

void check_fuzz(void) {
  const char *wanted = getenv("CARTWRIGHT_FUZZ_RUNS");
  unsigned long runs = wanted == NULL ? 20000 : strtoul(wanted, NULL, 10);
  uint8_t bytes[256];
  struct message message;
  fake_boot();
  behaviour("whatever is received, all that is sent is whole and the bridge still answers");
  for (unsigned long i = 0; i < runs; i++) {
    size_t length = any(3) == 0 ? damaged(bytes) : noise(bytes);
    if (any(50) == 0) fake.line_blocked = !fake.line_blocked;
    if (any(50) == 0) fake.i2c.stuck = !fake.i2c.stuck;
    if (any(50) == 0) fake.converters[any(CHANNELS)].stuck_low = any(2) != 0;
    fake_receive(bytes, length);
    if (i % 500 != 499) continue;
    fake.line_blocked = false;
    fake.i2c.stuck = false;
    fake_run_ms(150);
    fake_receive_hex("f7ff");
    fake_run_ms(100);
    for (size_t at = 0; next_message(&at, &message);) checks++;
    fake_forget_sent();
    TELL(0x06, 1, 2, 3);
    fake_run_ms(20);
    EQUAL(count_messages(0x0A, NULL), 1);
    fake_forget_sent();
  }
}
