/* ATmega328P: reset cause, watchdog, EEPROM. */
#include "chip.h"

#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/wdt.h>

#include "../core/crc16.h"
#include "../core/hal.h"

_Static_assert(F_CPU == 16000000UL, "times and baud rate are those of a 16 MHz clock");
_Static_assert(SIGNATURE_1 == 0x95 && SIGNATURE_2 == 0x0F, "made for the ATmega328P");
_Static_assert(RAMEND == 0x8FF && E2END == 0x3FF, "2 KiB of SRAM, 1 KiB of EEPROM");

#ifdef SPARE_SRAM
/* Takes SRAM away, to see what happens then. */
static volatile uint8_t spare_sram[SPARE_SRAM];
#endif

enum { RESET_FLAGS = _BV(PORF) | _BV(EXTRF) | _BV(BORF) | _BV(WDRF) };

/* Kept out of .bss: it is written before that is cleared. */
static uint8_t reset_flags __attribute__((section(".noinit")));

/*
 * Runs before the C library's start-up. A bootloader that clears MCUSR hands it on in r2 (Optiboot from version 4.6); the
 * program itself never uses r2 (-ffixed-r2), so that one which hands on nothing leaves the 0 that is put there. One that
 * ends in a watchdog reset adds WDRF to the reset pin's flag, which says nothing about the program. The watchdog stays on
 * after it has bitten, with its shortest time, and has to be switched off first thing.
 */
void keep_reset_cause(void) __attribute__((naked, used, section(".init3")));
void keep_reset_cause(void) {
  uint8_t handed;
  __asm__ volatile("mov %0, r2\n\tclr r2" : "=r"(handed));
  uint8_t flags = MCUSR & RESET_FLAGS;
  MCUSR = 0;
  wdt_disable();
  if (flags == 0 && (handed & (uint8_t)~RESET_FLAGS) == 0) flags = handed;
  if ((flags & (_BV(EXTRF) | _BV(WDRF))) == (_BV(EXTRF) | _BV(WDRF))) flags &= (uint8_t)~_BV(WDRF);
  reset_flags = flags;
}

void chip_setup(void) {
#ifdef SPARE_SRAM
  spare_sram[0] = 0;
#endif
  pins_setup();
  clock_setup();
  uart_setup();
  idle_setup();
  wdt_enable(WDTO_500MS);
  sei();
}

uint8_t hal_reset_cause(void) {
  return reset_flags;
}

uint16_t hal_signature(void) {
  return (uint16_t)(SIGNATURE_1 << 8 | SIGNATURE_2);
}

/* Away from address 0, which a brown-out during a write is known to hit. */
static uint8_t *const eeprom_serial = (uint8_t *)0x10;
static uint16_t *const eeprom_crc = (uint16_t *)(0x10 + SERIAL_LENGTH);

static uint16_t serial_crc(const uint8_t *serial) {
  uint16_t crc = CRC16_START;
  for (uint8_t i = 0; i < SERIAL_LENGTH; i++) crc = crc16(crc, serial[i]);
  return crc;
}

void hal_serial_load(uint8_t serial[SERIAL_LENGTH]) {
  eeprom_read_block(serial, eeprom_serial, SERIAL_LENGTH);
  if (eeprom_read_word(eeprom_crc) == serial_crc(serial)) return;
  for (uint8_t i = 0; i < SERIAL_LENGTH; i++) serial[i] = 0xFF;
}

bool hal_serial_store(const uint8_t serial[SERIAL_LENGTH]) {
  uint16_t crc = serial_crc(serial);
  eeprom_update_block(serial, eeprom_serial, SERIAL_LENGTH);
  eeprom_update_word(eeprom_crc, crc);
  for (uint8_t i = 0; i < SERIAL_LENGTH; i++) {
    if (eeprom_read_byte(eeprom_serial + i) != serial[i]) return false;
  }
  return eeprom_read_word(eeprom_crc) == crc;
}

void hal_alive(void) {
  wdt_reset();
}

void hal_restart(void) {
  cli();
  wdt_enable(WDTO_15MS);
  for (;;) {
  }
}
