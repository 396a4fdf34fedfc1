import { Nau7802, nau7802Address } from '#drivers/virtual/chips/nau7802.ts';
import { type BridgeLines, Cp2112 } from './cp2112.ts';
import { SelfClearingReset, StubBus } from './stub-bus.ts';
import { UserKeyboard } from './uinput.ts';

/** The far side of what is not on USB cables: buses, lines and keyboards. Runs in the machine's agent. */

let bridge: Cp2112 | undefined;
let counts = 0;
let keyboard: UserKeyboard | undefined;
let stub: StubBus | undefined;
let reset: SelfClearingReset | undefined;

/** Plugs in a bridge with one load-cell converter on its bus, on the time of the machine. */
export function plugBridge(serial: string): void {
  const converter = new Nau7802({ nowUs: () => performance.now() * 1000, counts: () => counts });
  bridge = new Cp2112(serial, new Map([[nau7802Address, converter]]));
}

/** What each further conversion gives. */
export function setCounts(value: number): void {
  counts = value;
}

export function bridgeLines(): BridgeLines {
  if (bridge === undefined) throw new Error('no bridge is plugged in');
  return bridge.lines;
}

export async function pullBridge(): Promise<void> {
  await bridge?.pull();
  bridge = undefined;
}

export async function makeKeyboard(name: string): Promise<void> {
  keyboard = await UserKeyboard.make(name);
}

export async function typeOnKeyboard(text: string): Promise<void> {
  await keyboard?.type(text);
}

export async function pullKeyboard(): Promise<void> {
  await keyboard?.pull();
  keyboard = undefined;
}

export async function readStub(node: string, address: number, register: number, bytes: number) {
  stub ??= new StubBus(node);
  return stub.read(address, register, bytes);
}

/** Registers of one chip, from the named ones on. */
export async function fillStub(
  node: string,
  address: number,
  registers: Readonly<Record<number, readonly number[]>>,
): Promise<void> {
  stub ??= new StubBus(node);
  for (const [register, values] of Object.entries(registers)) {
    await stub.write(address, Number(register), values);
  }
}

/** From now on the chip ends a reset by itself. */
export function letStubReset(address: number, register: number, bit: number, after: number): void {
  if (stub === undefined) throw new Error('the bus is not open');
  reset = new SelfClearingReset(stub, address, register, bit, after);
}

/** Answers with how often it was reset. */
export async function stopStub(): Promise<number> {
  const resets = (await reset?.stop()) ?? 0;
  stub?.close();
  stub = undefined;
  reset = undefined;
  return resets;
}
