import { ascii, latin1 } from '../../scale/framers.ts';
import { formatMassIn, massUnit, parseDecimal, toMassMg } from '../../scale/mass.ts';
import { sicsWeight } from '../../scale/mt-sics-protocol.ts';
import { ByteScalePeer } from './byte-scale-peer.ts';

/** A scale that speaks MT-SICS, levels 0 and 1. */
export class MtSicsPeer extends ByteScalePeer {
  serial = 'B021002593';
  periodUs = 100_000;
  /** It knows level 1: tare, display. */
  level1 = true;
  /** What its display shows in place of the weight. */
  shownText: string | undefined;
  /** Whether SIR is on. */
  repeating = false;
  #line = '';
  #cancel: (() => void) | undefined;

  /** Switched off and on: SIR and the tare are gone, and it says its serial number unasked. */
  restart(): void {
    this.#stopRepeating();
    this.model.clearTare();
    this.#say(`I4 A "${this.serial}"`);
  }

  protected override disconnected(): void {
    this.#stopRepeating();
  }

  protected override hear(bytes: Uint8Array): void {
    this.#line = (this.#line + latin1(bytes)).slice(-128);
    for (;;) {
      const end = this.#line.indexOf('\r\n');
      if (end < 0) return;
      const line = this.#line.slice(0, end);
      this.#line = this.#line.slice(end + 2);
      const answer = this.#answer(line);
      if (answer !== undefined) this.#say(answer);
    }
  }

  #answer(line: string): string | undefined {
    const [command = ''] = line.split(' ');
    const parameters = line.slice(command.length + 1);
    switch (command) {
      case 'SI':
        this.#stopRepeating();
        return this.#weight();
      case 'SIR':
        this.#repeat();
        return undefined;
      case 'Z':
        return this.model.motion ? 'Z I' : this.model.zero() ? 'Z A' : 'Z +';
      case 'I2':
        return `I2 A "Simulated-15 ${formatMassIn(this.model.maxMg, 'kg', 3)} kg"`;
      case 'I3':
        return 'I3 A "1.20 7.3.0.66"';
      case 'I4':
        return `I4 A "${this.serial}"`;
      default:
        return this.level1 ? this.#answer1(command, parameters) : 'ES';
    }
  }

  #answer1(command: string, parameters: string): string {
    const { model } = this;
    switch (command) {
      case 'T':
        if (!model.tare()) return 'T I';
        return `T S ${this.#value(model.tareMg)}`;
      case 'TA':
        return this.#tare(parameters);
      case 'TAC':
        model.clearTare();
        return 'TAC A';
      case 'D':
        if (!/^".*"$/.test(parameters)) return 'D L';
        this.shownText = parameters.slice(1, -1);
        return this.shownText.length > 16 ? 'D R' : 'D A';
      case 'DW':
        this.shownText = undefined;
        return 'DW A';
      default:
        return 'ES';
    }
  }

  #tare(parameters: string): string {
    if (parameters !== '') {
      const [value = '', name = ''] = parameters.split(' ');
      const decimal = parseDecimal(value);
      const unit = massUnit(name);
      if (decimal === undefined || unit === undefined) return 'TA L';
      if (!this.model.tare(toMassMg(decimal, unit))) return 'TA I';
    }
    return `TA A ${this.#value(this.model.tareMg)}`;
  }

  #value(massMg: number): string {
    const { unit, decimals } = this.model;
    return `${formatMassIn(massMg, unit, decimals).padStart(10)} ${unit}`;
  }

  #weight(): string {
    const { model } = this;
    if (model.broken) return 'S S  Error 10b';
    if (model.over) return 'S +';
    if (model.under) return 'S -';
    return sicsWeight(model.stable, model.shownMg, model.unit, model.decimals);
  }

  #repeat(): void {
    this.#cancel?.();
    this.repeating = true;
    if (!this.model.silent) this.#say(this.#weight());
    this.#cancel = this.clock.after(this.periodUs, () => this.#repeat());
  }

  #stopRepeating(): void {
    this.repeating = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #say(line: string): void {
    this.answer(ascii(`${line}\r\n`));
  }
}
