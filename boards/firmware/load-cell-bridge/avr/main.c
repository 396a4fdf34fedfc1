#include "../core/bridge.h"
#include "chip.h"

int main(void) {
  chip_setup();
  bridge_setup();
  for (;;) bridge_loop();
}
