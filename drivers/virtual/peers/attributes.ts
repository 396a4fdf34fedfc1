import { DriverError } from '../../errors.ts';

/** An attribute whose text is worked out when it is read, and what it does with what is written. */
export interface LivingAttribute {
  read(): string;
  write?(text: string): void;
}

/** A folder of attributes as the kernel shows them: fixed texts, and texts that live. */
export class LivingAttributes extends Map<string, string> {
  readonly #living = new Map<string, LivingAttribute>();
  /** Reading fails with this: what the kernel answers as EIO, a chip that doesn't. */
  notAnswering: string | undefined;

  /** Adds an attribute that lives. */
  live(name: string, attribute: LivingAttribute): this {
    this.#living.set(name, attribute);
    return super.set(name, '');
  }

  override get(name: string): string | undefined {
    if (this.notAnswering !== undefined) throw new DriverError('CW-DRV-013', this.notAnswering);
    return this.#living.get(name)?.read() ?? super.get(name);
  }

  override set(name: string, text: string): this {
    const living = this.#living.get(name);
    if (living === undefined) return super.set(name, text);
    if (living.write === undefined)
      throw new DriverError('CW-DRV-020', `the attribute ${name} can only be read`);
    living.write(text);
    return this;
  }
}
