import { z } from 'zod';
import { type Driver, type DriverContext, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import type { InputEvent } from '../ports/ports.ts';
import { aimOptions } from './aim.ts';
import { type CodeBuffer, textBuffer } from './framing.ts';
import { functionKeys, layoutNames } from './keyboard-layouts.ts';
import { KeyboardText } from './keyboard-text.ts';
import { repeatOptions } from './repeats.ts';
import { longestCode } from './scanned-code.ts';
import { notUnderstood, ScannerDevice, type ScannerTalk, type ScanReceiver } from './scanner-device.ts';
import { inputMatch } from './shared-options.ts';

const affix = z.string().max(32).default('');

const options = z.strictObject({
  match: inputMatch.refine((match) => Object.values(match).some((value) => value !== undefined), {
    error:
      'say which input device it is: the driver takes it for itself, and must not take the wrong keyboard',
  }),
  layout: z
    .enum(layoutNames)
    .default('us')
    .describe(
      "The keyboard that the scanner is set to imitate, whatever the machine's own layout. Default us.",
    ),
  terminator: z
    .enum(['enter', 'tab', 'either', 'none'])
    .default('enter')
    .describe('The key that ends a code; none where idleMs of silence does. Default enter.'),
  prefix: affix.describe('What the scanner types before each code and its AIM identifier. Default nothing.'),
  suffix: affix.describe('What the scanner types after each code, before the terminator. Default nothing.'),
  functionKeys: z
    .record(z.enum(Object.keys(functionKeys) as [string, ...string[]]), z.int().min(1).max(31))
    .default({ F8: 0x1d })
    .describe(
      'Control characters that the scanner sends as function keys, decimal codes by key. Default F8 for GS (29).',
    ),
  idleMs: z
    .int()
    .min(20)
    .max(5_000)
    .optional()
    .describe(
      'Silence that ends a code (terminator none, default 100) or tells that its end was lost (default 500), ms.',
    ),
  maximumCharacters: z
    .int()
    .min(8)
    .max(longestCode)
    .default(longestCode)
    .describe('The longest code, bytes; longer ones are dropped. Default 4096.'),
  ...aimOptions,
  ...repeatOptions,
});
type KeyboardOptions = z.infer<typeof options>;

/**
 * A scanner that types: a Linux input device, grabbed so that its keys go nowhere else. For scanners that know no better
 * mode: what is not on the keyboard of its layout is lost on the way.
 */
export const evdevKeyboard: Driver<KeyboardOptions> = {
  contract: driverContract,
  name: 'evdev-keyboard',
  kind: 'scanner',
  options,

  async open(chosen, context) {
    const { name, ...usb } = chosen.match;
    const port = await context.ports.input({ match: { ...usb, ...(name === undefined ? {} : { name }) } });
    return new ScannerDevice<InputEvent>(
      context,
      port,
      chosen.duplicateWindowMs,
      (receiver) => new KeyboardTalk(context, chosen, receiver),
    );
  },
};

class KeyboardTalk implements ScannerTalk<InputEvent> {
  readonly #chosen: KeyboardOptions;
  readonly #receiver: ScanReceiver;
  readonly #text: KeyboardText;
  readonly #buffer: CodeBuffer;

  constructor(context: DriverContext, chosen: KeyboardOptions, receiver: ScanReceiver) {
    this.#chosen = chosen;
    this.#receiver = receiver;
    this.#text = new KeyboardText(chosen);
    const encoder = new TextEncoder();
    const rules = {
      ...chosen,
      endsByIdle: chosen.terminator === 'none',
      maximumBytes: chosen.maximumCharacters,
      prefix: encoder.encode(chosen.prefix),
      suffix: encoder.encode(chosen.suffix),
    };
    this.#buffer = textBuffer(context.clock, rules, receiver);
  }

  heard(event: InputEvent, atUs: number): void {
    const typed = this.#text.event(event);
    if (typed !== undefined) this.#typed(typed, atUs);
    this.#buffer.listenForIdle();
  }

  ended(): void {
    this.#text.reset();
    this.#buffer.reset();
  }

  #typed(typed: NonNullable<ReturnType<KeyboardText['event']>>, atUs: number): void {
    switch (typed.kind) {
      case 'text':
        for (const byte of new TextEncoder().encode(typed.text)) this.#buffer.add(byte, atUs);
        break;
      case 'enter':
        this.#ending('enter', '\r', atUs);
        break;
      case 'tab':
        this.#ending('tab', '\t', atUs);
        break;
      case 'lost':
        this.#buffer.spoil();
        this.#receiver.damaged(
          new DriverError('CW-DRV-017', 'keys were lost before they were read; scan again'),
        );
        break;
      case 'unknown':
        this.#buffer.spoil();
        this.#receiver.damaged(
          notUnderstood(
            `key ${typed.code}, which types nothing on a keyboard of layout ${this.#chosen.layout}`,
            'set scanner and option layout to the same country',
          ),
        );
    }
  }

  /** Ends the code where that key is its terminator; elsewhere it is part of the code. */
  #ending(which: 'enter' | 'tab', character: string, atUs: number): void {
    const { terminator } = this.#chosen;
    if (terminator === which || terminator === 'either') this.#buffer.end(atUs);
    else this.#buffer.add(character.charCodeAt(0), atUs);
  }
}
