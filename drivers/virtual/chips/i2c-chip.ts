import type { I2cPeer } from '../peer-ports.ts';

/**
 * A simulated chip with 8-bit registers on an I²C bus: the first byte of a write is the register pointer, which moves
 * on with every byte written or read. Byte by byte for a simulated two-wire interface, whole transfers for a bench.
 */
export abstract class I2cChip implements I2cPeer {
  /** Nothing acknowledges at its address. */
  absent = false;
  #pointer = 0;
  #isPointer = false;

  /** A (repeated) start condition with the write address. */
  beginWrite(): void {
    this.#isPointer = true;
  }

  writeByte(value: number): void {
    if (this.#isPointer) {
      this.#isPointer = false;
      this.#pointer = value;
      return;
    }
    this.writeRegister(this.#pointer, value);
    this.#pointer = this.next(this.#pointer);
  }

  /** A (repeated) start condition with the read address. */
  beginRead(): void {
    this.latch();
  }

  readByte(): number {
    const value = this.readRegister(this.#pointer);
    this.#pointer = this.next(this.#pointer);
    return value;
  }

  /** One write transfer. Throws where the chip is absent. */
  write(bytes: Uint8Array): void {
    this.#mustBePresent();
    this.beginWrite();
    for (const byte of bytes) this.writeByte(byte);
  }

  /** One read transfer from where the register pointer stands. Throws where the chip is absent. */
  read(count: number): Uint8Array {
    this.#mustBePresent();
    this.beginRead();
    return Uint8Array.from({ length: count }, () => this.readByte());
  }

  transfer(write: Uint8Array, readBytes: number): Uint8Array {
    if (write.length > 0 || readBytes === 0) this.write(write);
    return readBytes === 0 ? new Uint8Array() : this.read(readBytes);
  }

  protected abstract readRegister(address: number): number;
  protected abstract writeRegister(address: number, value: number): void;
  /** A read begins: values of several bytes must stay together until it ends. */
  protected abstract latch(): void;
  /** Supply comes (back): everything is as after power-on. */
  abstract powerOn(): void;
  protected next(address: number): number {
    return (address + 1) & 0xff;
  }

  #mustBePresent(): void {
    if (this.absent) throw new Error('nothing acknowledges at this address');
  }
}
