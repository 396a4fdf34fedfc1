#include "../core/bridge.h"
#include "../core/hal.h"
#include "chip.h"

int main(void) {
  chip_setup();
  bridge_setup();
  for (;;) {
    if (!bridge_loop()) hal_wait();
  }
}
