/** Names of layouts that scanners are set to. */
export const layoutNames = ['us', 'uk', 'de', 'fr'] as const;
export type LayoutName = (typeof layoutNames)[number];

/** A row of keys from an evdev code on (linux/input-event-codes.h), with what each types, a character a key; a space types nothing. */
interface KeyRow {
  readonly from: number;
  readonly plain: string;
  readonly shift: string;
}

interface LayoutData {
  readonly rows: readonly KeyRow[];
  /** Typed with AltGr: evdev code and character. */
  readonly altGr?: readonly (readonly [code: number, character: string])[];
  /** Accents that wait for the next key: typed by themselves with space, or joined to a letter. */
  readonly dead?: string;
}

const usLetters: readonly KeyRow[] = [
  { from: 16, plain: 'qwertyuiop[]', shift: 'QWERTYUIOP{}' },
  { from: 44, plain: 'zxcvbnm,./', shift: 'ZXCVBNM<>?' },
];

/** As the layouts of these names type on a PC; the key left of Z is 86, the one left of Enter 43. */
const data: Readonly<Record<LayoutName, LayoutData>> = {
  us: {
    rows: [
      { from: 2, plain: '1234567890-=', shift: '!@#$%^&*()_+' },
      ...usLetters,
      { from: 30, plain: "asdfghjkl;'`", shift: 'ASDFGHJKL:"~' },
      { from: 43, plain: '\\', shift: '|' },
      { from: 86, plain: '\\', shift: '|' },
    ],
  },
  uk: {
    rows: [
      { from: 2, plain: '1234567890-=', shift: '!"£$%^&*()_+' },
      ...usLetters,
      { from: 30, plain: "asdfghjkl;'`", shift: 'ASDFGHJKL:@¬' },
      { from: 43, plain: '#', shift: '~' },
      { from: 86, plain: '\\', shift: '|' },
    ],
    altGr: [
      [5, '€'],
      [41, '¦'],
    ],
  },
  de: {
    rows: [
      { from: 2, plain: '1234567890ß´', shift: '!"§$%&/()=?`' },
      { from: 16, plain: 'qwertzuiopü+', shift: 'QWERTZUIOPÜ*' },
      { from: 30, plain: 'asdfghjklöä^', shift: 'ASDFGHJKLÖÄ°' },
      { from: 43, plain: '#', shift: "'" },
      { from: 44, plain: 'yxcvbnm,.-', shift: 'YXCVBNM;:_' },
      { from: 86, plain: '<', shift: '>' },
    ],
    altGr: [
      [3, '²'],
      [4, '³'],
      [8, '{'],
      [9, '['],
      [10, ']'],
      [11, '}'],
      [12, '\\'],
      [16, '@'],
      [18, '€'],
      [27, '~'],
      [50, 'µ'],
      [86, '|'],
    ],
    dead: '´`^',
  },
  fr: {
    rows: [
      { from: 2, plain: `&é"'(-è_çà)=`, shift: '1234567890°+' },
      { from: 16, plain: 'azertyuiop^$', shift: 'AZERTYUIOP¨£' },
      { from: 30, plain: 'qsdfghjklmù²', shift: 'QSDFGHJKLM% ' },
      { from: 43, plain: '*', shift: 'µ' },
      { from: 44, plain: 'wxcvbn,;:!', shift: 'WXCVBN?./§' },
      { from: 86, plain: '<', shift: '>' },
    ],
    altGr: [
      [3, '~'],
      [4, '#'],
      [5, '{'],
      [6, '['],
      [7, '|'],
      [8, '`'],
      [9, '\\'],
      [10, '^'],
      [11, '@'],
      [12, ']'],
      [13, '}'],
      [18, '€'],
      [27, '¤'],
    ],
    dead: '^¨',
  },
};

/** What a key of a layout types, by level. */
export interface KeyCap {
  readonly plain?: string;
  readonly shift?: string;
  readonly altGr?: string;
}

export interface KeyboardLayout {
  readonly keys: ReadonlyMap<number, KeyCap>;
  readonly dead: ReadonlySet<string>;
}

/** The layout of that name, by evdev key code. */
export function keyboardLayout(name: LayoutName): KeyboardLayout {
  const { rows, altGr = [], dead = '' } = data[name];
  const keys = new Map<number, KeyCap>([[57, { plain: ' ', shift: ' ' }]]);
  for (const { from, plain, shift } of rows) {
    [...plain].forEach((character, index) => {
      const shifted = [...shift][index];
      keys.set(from + index, {
        plain: character,
        ...(shifted === undefined || shifted === ' ' ? {} : { shift: shifted }),
      });
    });
  }
  for (const [code, character] of altGr) keys.set(code, { ...keys.get(code), altGr: character });
  return { keys, dead: new Set(dead) };
}

/** Keys that are the same everywhere (linux/input-event-codes.h). */
export const key = {
  tab: 15,
  enter: 28,
  leftCtrl: 29,
  leftShift: 42,
  rightShift: 54,
  leftAlt: 56,
  capsLock: 58,
  keypadEnter: 96,
  rightCtrl: 97,
  rightAlt: 100,
} as const;

/** Keys that type nothing and mean nothing here: Num Lock, Scroll Lock, the system keys, Compose. */
export const silentKeys: ReadonlySet<number> = new Set([69, 70, 125, 126, 127]);

/** What the number pad types, with Num Lock on. */
export const keypad: ReadonlyMap<number, string> = new Map([
  [55, '*'],
  [71, '7'],
  [72, '8'],
  [73, '9'],
  [74, '-'],
  [75, '4'],
  [76, '5'],
  [77, '6'],
  [78, '+'],
  [79, '1'],
  [80, '2'],
  [81, '3'],
  [82, '0'],
  [83, '.'],
  [98, '/'],
]);

/** Keys that scanners may send for a control character. */
export const functionKeys: Readonly<Record<string, number>> = {
  F1: 59,
  F2: 60,
  F3: 61,
  F4: 62,
  F5: 63,
  F6: 64,
  F7: 65,
  F8: 66,
  F9: 67,
  F10: 68,
  F11: 87,
  F12: 88,
};
