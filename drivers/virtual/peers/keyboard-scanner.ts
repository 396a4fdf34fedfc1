import type { DeviceIdentity } from '../../driver.ts';
import type { InputEvent } from '../../ports/ports.ts';
import {
  type KeyboardLayout,
  key,
  keyboardLayout,
  keypad,
  type LayoutName,
} from '../../scanner/keyboard-layouts.ts';
import type { InputPeer, PeerWire } from '../peer-ports.ts';

export interface KeyboardPeerOptions {
  readonly layout?: LayoutName;
  /** How it sends GS and other control characters. */
  readonly controls?: 'ctrl' | 'alt-numpad' | 'f8';
  /** Types digits on the number pad. */
  readonly numpad?: boolean;
  readonly terminator?: 'enter' | 'tab' | 'keypad-enter' | 'none';
}

const evSync = 0;
const evKey = 1;
const f8 = 66;

/** A scanner that imitates a keyboard. */
export class KeyboardScannerPeer implements InputPeer {
  readonly identity: DeviceIdentity = {
    vendor: 'Cartwright',
    model: 'simulated keyboard scanner',
    serial: 'SIM-KBD-1',
  };
  readonly #options: KeyboardPeerOptions;
  readonly #layout: KeyboardLayout;
  #wire: PeerWire<InputEvent> | undefined;

  constructor(options: KeyboardPeerOptions = {}) {
    this.#options = options;
    this.#layout = keyboardLayout(options.layout ?? 'us');
  }

  opened(wire: PeerWire<InputEvent>): void {
    this.#wire = wire;
  }

  closed(): void {
    this.#wire = undefined;
  }

  /** Types a code, AIM identifier first where one is given, and the terminator unless it is `ended` too early. */
  scan(text: string, symbology = '', ended = true): void {
    for (const character of symbology + text) this.#type(character);
    const ends = { enter: key.enter, tab: key.tab, 'keypad-enter': key.keypadEnter, none: undefined };
    const end = ends[this.#options.terminator ?? 'enter'];
    if (ended && end !== undefined) this.tap(end);
  }

  /** Presses and releases a key while others are held. */
  tap(code: number, held: readonly number[] = []): void {
    for (const modifier of held) this.#send(modifier, 1);
    this.#send(code, 1);
    this.#send(code, 0);
    for (const modifier of held.toReversed()) this.#send(modifier, 0);
  }

  /** Sends an event as it is. */
  send(event: InputEvent): void {
    this.#wire?.send(event);
  }

  #type(character: string): void {
    if (character < ' ') {
      this.#control(character);
      return;
    }
    const digit = [...keypad].find(([, typed]) => typed === character && /[0-9]/.test(typed));
    if (this.#options.numpad === true && digit !== undefined) {
      this.tap(digit[0]);
      return;
    }
    for (const [code, cap] of this.#layout.keys) {
      if (cap.plain === character) this.tap(code);
      else if (cap.shift === character) this.tap(code, [key.leftShift]);
      else if (cap.altGr === character) this.tap(code, [key.rightAlt]);
      else continue;
      if (this.#layout.dead.has(character) && cap.altGr !== character) this.tap(57);
      return;
    }
    throw new RangeError(`${JSON.stringify(character)} is not on this keyboard`);
  }

  #control(character: string): void {
    switch (this.#options.controls ?? 'ctrl') {
      case 'ctrl': {
        // By the place of the key on a US keyboard, as scanners do.
        const letter = String.fromCharCode(character.charCodeAt(0) + 0x40).toLowerCase();
        const [code] = [...keyboardLayout('us').keys].find(([, cap]) => cap.plain === letter) ?? [];
        if (code === undefined) throw new RangeError(`${JSON.stringify(character)} has no key`);
        this.tap(code, [key.leftCtrl]);
        return;
      }
      case 'alt-numpad':
        this.#send(key.leftAlt, 1);
        for (const digit of String(character.charCodeAt(0)).padStart(3, '0')) {
          const [code] = [...keypad].find(([, typed]) => typed === digit) ?? [];
          if (code !== undefined) this.tap(code);
        }
        this.#send(key.leftAlt, 0);
        return;
      case 'f8':
        this.tap(f8);
    }
  }

  #send(code: number, value: number): void {
    this.send({ type: evKey, code, value });
    this.send({ type: evSync, code: 0, value: 0 });
  }
}
