/* The serial line: 8N1 with ring buffers of 256 bytes, so that an index of eight bits wraps by itself. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>

#include "../core/hal.h"
#include "chip.h"

enum { UBRR = (F_CPU + BAUD_RATE * 4) / (BAUD_RATE * 8) - 1, RING = 256 };
_Static_assert(UBRR <= 0xFFF, "the baud rate is too low for this clock");

static volatile uint8_t received[RING];
static volatile uint8_t received_head;
static volatile uint8_t received_tail;
static volatile uint16_t receive_errors;
static volatile uint8_t sending[RING];
static volatile uint8_t sending_head;
static volatile uint8_t sending_tail;

ISR(USART_RX_vect) {
  GPIOR0 |= _BV(HAPPENED);
  uint8_t state = UCSR0A;
  uint8_t byte = UDR0;
  if (state & _BV(DOR0)) receive_errors++;
  if (state & _BV(FE0)) {
    receive_errors++;
    return;
  }
  uint8_t next = (uint8_t)(received_head + 1);
  if (next == received_tail) {
    receive_errors++;
    return;
  }
  received[received_head] = byte;
  received_head = next;
}

/* Enabled only while something is queued, so that every run sends a byte; the last one disables it. */
ISR(USART_UDRE_vect) {
  uint8_t tail = sending_tail;
  UDR0 = sending[tail];
  /* Cleared by writing a one: `hal_send_done` waits for this byte. U2X is kept. */
  UCSR0A = _BV(TXC0) | _BV(U2X0);
  tail++;
  sending_tail = tail;
  if (tail == sending_head) UCSR0B &= (uint8_t)~_BV(UDRIE0);
}

void uart_setup(void) {
  UBRR0 = UBRR;
  UCSR0A = _BV(U2X0);
  UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
  UCSR0B = _BV(RXCIE0) | _BV(RXEN0) | _BV(TXEN0);
}

bool hal_receive(uint8_t *byte) {
  uint8_t tail = received_tail;
  if (tail == received_head) return false;
  *byte = received[tail];
  received_tail = (uint8_t)(tail + 1);
  return true;
}

uint16_t hal_receive_errors(void) {
  uint16_t errors;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    errors = receive_errors;
  }
  return errors;
}

uint8_t hal_send_room(void) {
  return (uint8_t)(sending_tail - sending_head - 1);
}

static volatile bool sent_any;

void hal_send(uint8_t byte) {
  uint8_t head = sending_head;
  sending[head] = byte;
  sent_any = true;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    sending_head = (uint8_t)(head + 1);
    if ((UCSR0B & _BV(UDRIE0)) == 0) UCSR0B |= _BV(UDRIE0);
  }
}

bool hal_send_done(void) {
  return sending_tail == sending_head && (!sent_any || (UCSR0A & _BV(TXC0)) != 0);
}
