import type { InputEvent } from '../ports/ports.ts';
import {
  functionKeys,
  type KeyboardLayout,
  key,
  keyboardLayout,
  keypad,
  type LayoutName,
  silentKeys,
} from './keyboard-layouts.ts';

const eventSync = 0;
const syncDropped = 3;
const eventKey = 1;
const released = 0;
const pressed = 1;

/** What a key press amounts to. */
export type Typed =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'enter' }
  | { readonly kind: 'tab' }
  /** A key that types nothing in this layout. */
  | { readonly kind: 'unknown'; readonly code: number }
  /** The kernel had no room and dropped events. */
  | { readonly kind: 'lost' };

const combining: Readonly<Record<string, string>> = {
  '´': '\u0301',
  '`': '\u0300',
  '^': '\u0302',
  '¨': '\u0308',
};
/** Where Ctrl+] is sent by the place it has on a US keyboard, whatever the layout. */
const usLayout = keyboardLayout('us');

export interface KeyboardTextOptions {
  readonly layout: LayoutName;
  /** Character code that a function key stands for, by its name: F8 for GS. */
  readonly functionKeys: Readonly<Record<string, number>>;
}

/**
 * Key events to text, as a keyboard of that layout types. Control characters come as scanners send them: Ctrl with the
 * character 0x40 above (Ctrl+] is GS), Alt held while the number pad types a code (Alt+029), or a function key.
 */
export class KeyboardText {
  readonly #layout: KeyboardLayout;
  readonly #functions: ReadonlyMap<number, string>;
  readonly #held = new Set<number>();
  #capsLock = false;
  #dead: string | undefined;
  #altDigits: string | undefined;

  constructor(options: KeyboardTextOptions) {
    this.#layout = keyboardLayout(options.layout);
    this.#functions = new Map(
      Object.entries(options.functionKeys).flatMap(([name, character]) => {
        const code = functionKeys[name];
        return code === undefined ? [] : [[code, String.fromCharCode(character)] as const];
      }),
    );
  }

  /** Takes one event; answers with what it types, if anything. */
  event({ type, code, value }: InputEvent): Typed | undefined {
    if (type === eventSync && code === syncDropped) {
      this.reset();
      return { kind: 'lost' };
    }
    if (type !== eventKey) return undefined;
    if (value === released) return this.#release(code);
    // A key that repeats because it is held comes as 2: scanners hold none.
    if (value !== pressed) return undefined;
    return this.#press(code);
  }

  /** Forgets what is held, as after an unplug. Caps Lock stays as it is. */
  reset(): void {
    this.#held.clear();
    this.#dead = undefined;
    this.#altDigits = undefined;
  }

  #release(code: number): Typed | undefined {
    this.#held.delete(code);
    if (code !== key.leftAlt || this.#altDigits === undefined) return undefined;
    const digits = this.#altDigits;
    this.#altDigits = undefined;
    const number = Number(digits);
    if (digits === '' || number > 255) return undefined;
    // Above ASCII the codes are those of Windows-1252, which is what scanners are made for.
    return { kind: 'text', text: new TextDecoder('windows-1252').decode(Uint8Array.of(number)) };
  }

  #press(code: number): Typed | undefined {
    switch (code) {
      case key.leftAlt:
        this.#altDigits = '';
        this.#held.add(code);
        return undefined;
      case key.leftShift:
      case key.rightShift:
      case key.leftCtrl:
      case key.rightCtrl:
      case key.rightAlt:
        this.#held.add(code);
        return undefined;
      case key.capsLock:
        this.#capsLock = !this.#capsLock;
        return undefined;
      case key.enter:
      case key.keypadEnter:
        this.#dead = undefined;
        return { kind: 'enter' };
      case key.tab:
        this.#dead = undefined;
        return { kind: 'tab' };
      default:
        return this.#type(code);
    }
  }

  #type(code: number): Typed | undefined {
    if (silentKeys.has(code)) return undefined;
    const pad = keypad.get(code);
    if (this.#held.has(key.leftAlt) && pad !== undefined && /[0-9]/.test(pad)) {
      // Four digits say it all; more is not remembered.
      if (this.#altDigits !== undefined && this.#altDigits.length < 4) this.#altDigits += pad;
      return undefined;
    }
    const control = this.#functions.get(code) ?? (this.#hasCtrl() ? this.#control(code) : undefined);
    // Ctrl+M and Ctrl+I are Enter and Tab by another way.
    if (control === '\r') return { kind: 'enter' };
    if (control === '\t') return { kind: 'tab' };
    if (control !== undefined) return { kind: 'text', text: control };
    const character = pad ?? this.#character(this.#layout, code);
    if (character === undefined || this.#hasCtrl()) return { kind: 'unknown', code };
    return this.#withDead(character);
  }

  #hasCtrl(): boolean {
    return this.#held.has(key.leftCtrl) || this.#held.has(key.rightCtrl);
  }

  /** The control character 0x40 below what the key types: by the layout, else by the key's place on a US keyboard. */
  #control(code: number): string | undefined {
    for (const layout of [this.#layout, usLayout]) {
      const character = this.#character(layout, code)?.toUpperCase();
      if (character !== undefined && /^[@-_]$/.test(character)) {
        return String.fromCharCode(character.charCodeAt(0) & 0x1f);
      }
    }
    return undefined;
  }

  #character(layout: KeyboardLayout, code: number): string | undefined {
    const cap = layout.keys.get(code);
    if (cap === undefined) return undefined;
    if (this.#held.has(key.rightAlt)) return cap.altGr;
    const shift = this.#held.has(key.leftShift) || this.#held.has(key.rightShift);
    const isLetter =
      cap.plain !== undefined && cap.shift === cap.plain.toUpperCase() && cap.shift !== cap.plain;
    return shift !== (this.#capsLock && isLetter) ? cap.shift : cap.plain;
  }

  #withDead(character: string): Typed | undefined {
    const dead = this.#dead;
    this.#dead = undefined;
    if (dead === undefined) {
      if (!this.#layout.dead.has(character) || this.#held.has(key.rightAlt))
        return { kind: 'text', text: character };
      this.#dead = character;
      return undefined;
    }
    if (character === ' ' || character === dead) return { kind: 'text', text: dead };
    const joined = (character + (combining[dead] ?? '')).normalize('NFC');
    return { kind: 'text', text: [...joined].length === 1 ? joined : dead + character };
  }
}
