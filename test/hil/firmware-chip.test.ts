import { readFileSync } from 'node:fs';
import test from 'ava';
import { createRandom } from '#base/random.ts';
import {
  type BridgeMessage,
  encodeHostMessage,
  type HostMessage,
  type Sample,
} from '#drivers/load-cell/firmata-hx711/protocol.ts';
import { FrameSplitter } from '#drivers/load-cell/firmata-hx711/splitter.ts';
import { I2cChip } from '#drivers/virtual/chips/i2c-chip.ts';
import { readHex } from '#drivers/virtual/microcontroller/hex.ts';
import type { CellSource } from '#drivers/virtual/microcontroller/hx711.ts';
import { Microcontroller } from '#drivers/virtual/microcontroller/microcontroller.ts';

const program = readHex(
  readFileSync(
    new URL('../../boards/firmware/load-cell-bridge/load-cell-bridge.hex', import.meta.url),
    'latin1',
  ),
);
const missing = 1;
const back = 2;
const rejected = 3;
const stuck = 4;
const unstuck = 5;
const i2cSilent = 8;

/** Registers that hold what is written to them, each with its own address at first. */
class Registers extends I2cChip {
  readonly values = Uint8Array.from({ length: 256 }, (_, index) => index);
  override powerOn(): void {}
  protected readRegister(address: number): number {
    return this.values[address & 0xff] ?? 0;
  }
  protected writeRegister(address: number, value: number): void {
    this.values[address & 0xff] = value;
  }
  protected override next(address: number): number {
    return (address + 1) & 0xff;
  }
  protected override latch(): void {}
}

/** The released program on a simulated chip, and all it has said since `forget`. */
class Bench {
  readonly chip = new Registers();
  readonly mcu: Microcontroller;
  messages: BridgeMessage[] = [];
  samples: Sample[] = [];
  firmata: number[] = [];
  versions = 0;
  damaged = 0;
  readonly #splitter: FrameSplitter;

  constructor(channels: number, cell?: CellSource) {
    this.mcu = new Microcontroller({
      program,
      cells: Array.from({ length: 8 }, (_, channel) =>
        channel < channels ? (cell ?? ((atUs) => channel * 100_000 + Math.floor(atUs / 1000))) : undefined,
      ),
      chips: () => new Map([[0x2a, this.chip]]),
      seed: 11,
    });
    this.#splitter = new FrameSplitter({
      samples: (frame) => {
        for (let i = 0; i < frame.length; i++) {
          const [channel = 0, age = 0, counts = 0] = [frame.channel[i], frame.age[i], frame.counts[i]];
          this.samples.push({ channel, age, counts });
        }
      },
      message: (message) => this.messages.push(message),
      firmata: (bytes) => this.firmata.push(...bytes),
      version: () => {
        this.versions += 1;
      },
      damaged: () => {
        this.damaged += 1;
      },
    });
  }

  runMs(ms: number): void {
    const until = this.mcu.nowUs + ms * 1000;
    while (this.mcu.nowUs < until) {
      this.mcu.run(Math.min(until, this.mcu.nowUs + 5000));
      this.#splitter.push(this.mcu.take(), this.mcu.nowUs);
    }
  }

  tell(message: HostMessage): void {
    this.mcu.send(encodeHostMessage(message));
    this.runMs(20);
  }

  start(channels: number): void {
    this.runMs(50);
    this.tell({ kind: 'start', channels, rate: 80, gain: 128 });
    this.runMs(300);
    this.forget();
  }

  forget(): void {
    this.messages = [];
    this.samples = [];
    this.firmata = [];
    this.versions = 0;
    this.damaged = 0;
  }

  of<Kind extends BridgeMessage['kind']>(kind: Kind): Extract<BridgeMessage, { kind: Kind }>[] {
    return this.messages.filter((one): one is Extract<BridgeMessage, { kind: Kind }> => one.kind === kind);
  }

  notices(what: number, channel: number): number {
    return this.of('notice').filter((one) => one.what === what && one.channel === channel).length;
  }
}

test('the program tells why it was reset: power, reset pin, watchdog', (t) => {
  const bench = new Bench(2);
  const causes: number[] = [];
  const note = () => {
    t.is(bench.versions, 1);
    causes.push(...bench.of('identity').map(({ resetCause }) => resetCause));
    bench.forget();
  };
  bench.runMs(50);
  note();
  bench.mcu.pressReset();
  bench.runMs(50);
  note();
  bench.mcu.hang();
  bench.runMs(480);
  t.is(bench.messages.length, 0);
  bench.runMs(120);
  note();
  bench.tell({ kind: 'restart' });
  bench.runMs(100);
  t.deepEqual(bench.of('answer'), [{ kind: 'answer', of: 14, result: 0 }]);
  note();
  t.deepEqual(causes, [1, 2, 8, 8]);
});

test('the serial number outlives power and is not changed while streaming', (t) => {
  const bench = new Bench(1);
  const serial = new TextEncoder().encode('CW000042');
  bench.runMs(50);
  bench.tell({ kind: 'setSerial', serial });
  bench.runMs(60);
  t.is(bench.of('answer')[0]?.result, 0);
  bench.mcu.powerOff();
  bench.runMs(100);
  bench.mcu.powerOn();
  bench.forget();
  bench.runMs(50);
  t.deepEqual(bench.of('identity')[0]?.serial, serial);
  bench.start(1);
  bench.tell({ kind: 'setSerial', serial: new Uint8Array(8) });
  t.is(bench.of('answer')[0]?.result, 3);
});

test('a converter that goes away, sticks or glitches is told within a second, the others go on, and it comes back', (t) => {
  const bench = new Bench(4);
  bench.start(15);
  const trouble = bench.mcu.converters[2]?.troubles;
  if (trouble === undefined) return t.fail();
  const change = (set: () => void, ms: number) => {
    bench.forget();
    set();
    bench.mcu.refresh(2);
    bench.runMs(ms);
    t.true(bench.samples.filter(({ channel }) => channel === 1).length >= (ms / 1000) * 75);
  };
  change(() => {
    trouble.absent = true;
  }, 1000);
  t.is(bench.notices(missing, 2), 1);
  change(() => {
    trouble.absent = false;
  }, 1500);
  t.is(bench.notices(back, 2), 1);
  change(() => {
    trouble.stuck = 'low';
  }, 1000);
  t.is(bench.notices(rejected, 2), 1);
  t.is(bench.notices(stuck, 2), 1);
  change(() => {
    trouble.stuck = undefined;
  }, 1500);
  t.is(bench.notices(unstuck, 2), 1);
  bench.forget();
  bench.runMs(1000);
  t.is(bench.of('notice').length, 0);
  t.true(bench.samples.filter(({ channel }) => channel === 2).length >= 75);
});

test('a conversion in which the clock was high for 70 µs is rejected and told, and the next ones are right', (t) => {
  // The data sheet's 60 µs powers a converter down: the bits after such a pulse are none.
  for (const pulse of [0, 11, 23]) {
    const bench = new Bench(2, () => 0x2aaaaa);
    bench.start(3);
    bench.mcu.stretchPulse(1, 70, pulse);
    const before = bench.mcu.statistics.channels[1]?.powerDowns ?? 0;
    bench.runMs(1000);
    t.true((bench.mcu.statistics.channels[1]?.powerDowns ?? 0) > before);
    t.is(bench.notices(rejected, 1), 1, `pulse ${pulse}`);
    t.deepEqual([...new Set(bench.samples.map(({ counts }) => counts))], [0x2aaaaa]);
    const of = (channel: number) => bench.samples.filter((one) => one.channel === channel).length;
    t.true(of(0) >= 75 && of(1) >= of(0) - 8, `${of(0)} and ${of(1)} samples`);
  }
  const bench = new Bench(1, () => 0x2aaaaa);
  bench.start(1);
  bench.mcu.stretchPulse(0, 40, 11);
  bench.runMs(1000);
  t.is(bench.notices(rejected, 0), 0, '40 µs do a converter no harm');
  t.true(bench.samples.every(({ counts }) => counts === 0x2aaaaa));
});

test('of a change of gain or rate nothing is sent that has not settled', (t) => {
  const bench = new Bench(2, (_atUs, { gain }) => 8_000 * gain);
  bench.start(3);
  const seen = () => [...new Set(bench.samples.map(({ counts }) => counts))];
  bench.runMs(300);
  t.deepEqual(seen(), [8_000 * 128]);
  bench.tell({ kind: 'gain', channels: 3, gain: 64 });
  bench.runMs(500);
  t.deepEqual(seen(), [8_000 * 128, 8_000 * 64]);
  bench.forget();
  bench.tell({ kind: 'rate', rate: 10 });
  bench.runMs(1500);
  t.deepEqual(seen(), [8_000 * 64]);
  t.true(bench.samples.filter(({ channel }) => channel === 1).length >= 8);
});

test('the I²C bus works beside eight converters, and a bus that is held costs no conversion', (t) => {
  const bench = new Bench(8);
  bench.start(255);
  const lost = () => bench.mcu.converters.reduce((sum, one) => sum + (one?.statistics.overwritten ?? 0), 0);
  const before = lost();
  bench.mcu.send(Uint8Array.of(0xf0, 0x76, 0x2a, 0x00, 0x10, 0x00, 0x55, 0x01, 0xf7));
  bench.mcu.send(Uint8Array.of(0xf0, 0x76, 0x2a, 0x48, 0x10, 0x00, 0x06, 0x00, 0xf7));
  bench.runMs(50);
  t.is(bench.chip.values[0x10], 0xd5);
  const reply = [0xd5, 0x11, 0x12, 0x13, 0x14, 0x15].flatMap((byte) => [byte & 0x7f, byte >> 7]);
  t.deepEqual(bench.firmata, [0xf0, 0x77, 0x2a, 0, 0x10, 0, ...reply, 0xf7]);
  bench.mcu.send(Uint8Array.of(0xf0, 0x76, 0x2a, 0x10, 0x10, 0x00, 0x06, 0x00, 0xf7));
  bench.mcu.holdBus(true);
  bench.forget();
  bench.runMs(1000);
  const told = bench.notices(i2cSilent, 255);
  t.true(told >= 3 && told <= 5, `${told} notices`);
  bench.mcu.holdBus(false);
  bench.runMs(50);
  bench.forget();
  bench.runMs(1000);
  const replies = bench.firmata.filter((byte) => byte === 0x77).length;
  t.true(replies >= 48 && replies <= 54, `${replies} replies at 19 ms`);
  t.is(lost(), before);
});

// Every byte but FF, which is Firmata's reset and stops the stream by itself.
test('noise on the line neither stops the stream nor the answers', (t) => {
  const bench = new Bench(4);
  bench.start(15);
  const random = createRandom(5);
  for (let i = 0; i < 40; i++) {
    bench.mcu.send(Uint8Array.from({ length: 60 }, () => Math.floor(random.next() * 255)));
    bench.runMs(25);
  }
  t.is(bench.damaged, 0);
  t.true(bench.samples.length > 4 * 70);
  bench.mcu.send(Uint8Array.of(0xf7));
  bench.forget();
  bench.tell({ kind: 'echo', bytes: Uint8Array.of(0, 127, 128, 255) });
  t.deepEqual(bench.of('echoReply')[0]?.bytes, Uint8Array.of(0, 127, 128, 255));
});
