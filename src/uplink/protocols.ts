export type Protocol = '5' | '3.1.1';

/** CONNACK codes that mean "not this version": 3.1.1's 1 and 5's 0x84. */
const wrongVersion = new Set([1, 0x84]);
/** A broker that took a version before may hang up for other reasons; after so many times it is perhaps another one. */
const refusalsUntilForgotten = 3;

/** Which version of MQTT each address of the broker speaks, where that is to be found out. */
export class Protocols {
  readonly #isAuto: boolean;
  /** For addresses that were not reached yet: the nodes of one broker speak alike. */
  #usual: Protocol;
  readonly #accepted = new Map<string, { readonly protocol: Protocol; refusals: number }>();
  readonly #trying = new Map<string, Protocol>();
  #told = false;

  constructor(protocol: 'auto' | Protocol) {
    this.#isAuto = protocol === 'auto';
    this.#usual = protocol === 'auto' ? '5' : protocol;
  }

  /** The version to speak with an address now. */
  of(url: string): Protocol {
    this.#told = false;
    return this.#accepted.get(url)?.protocol ?? this.#trying.get(url) ?? this.#usual;
  }

  /** The broker there took this version. */
  accepted(url: string, protocol: Protocol): void {
    this.#accepted.set(url, { protocol, refusals: 0 });
    this.#trying.delete(url);
    this.#usual = protocol;
  }

  /** Whether this CONNACK code asks for another version, and there may be another one. */
  isOther(code: number): boolean {
    this.#told = this.#isAuto && wrongVersion.has(code);
    return this.#told;
  }

  /** The broker there refused the version, or hung up. True where the other one is worth trying at once. */
  refused(url: string): boolean {
    if (!this.#isAuto) return false;
    const known = this.#accepted.get(url);
    if (known !== undefined && !this.#told && ++known.refusals < refusalsUntilForgotten) return false;
    const tried = this.of(url);
    this.#accepted.delete(url);
    const first = tried === this.#usual;
    this.#trying.set(url, tried === '5' ? '3.1.1' : '5');
    // Both were tried now: the next one waits like everybody.
    return first;
  }
}
