import test from 'ava';
import { avrInstruction, CPU } from 'avr8js';
import fc from 'fast-check';
import { createRandom } from '#base/random.ts';
import { Core } from '#drivers/virtual/microcontroller/avr/core.ts';
import { decode, kinds } from '#drivers/virtual/microcontroller/avr/decode.ts';
import { LineFace } from '#drivers/virtual/microcontroller/face.ts';
import { readHex } from '#drivers/virtual/microcontroller/hex.ts';
import { Hx711, type Hx711Options } from '#drivers/virtual/microcontroller/hx711.ts';
import { resample } from '#drivers/virtual/microcontroller/serial-line.ts';
import { Timeline } from '#drivers/virtual/microcontroller/timeline.ts';

const runs = { seed: 20_261_123, numRuns: Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000) };
const flags = 0x5f;
const halfCarry = 0x20;

/** Words by chance: about half of them begin an instruction that `Core` carries out itself. */
const words = createRandom(1);
const program = Uint16Array.from({ length: 0x4000 }, () => words.integer(0x10000));
const decoded = decode(program);
/** Where those are. Not at the ends, around which avr8js doesn't jump, and no load into the pointer that it moves. */
const own = [...decoded.keys()].filter((pc) => {
  const instruction = decoded[pc] ?? 0;
  const kind = instruction & 0xff;
  const register = ((instruction >> 8) & 0xff) | 1;
  const isUndefined =
    (kind === kinds.loadXUp && register === 27) || (kind === kinds.loadZUp && register === 31);
  return pc > 0x900 && pc < 0x3700 && kind !== kinds.other && !isUndefined;
});

/** A processor in a state by chance, its pointers into the data memory. */
function processor(pc: number, seed: number): CPU {
  const cpu = new CPU(program, 2048);
  const random = createRandom(seed);
  for (let address = 0; address < cpu.data.length; address++) cpu.data[address] = random.integer(256);
  for (const pointer of [26, 28, 30, 0x5d]) {
    const value = 0x110 + random.integer(0x700);
    cpu.data.set([value & 0xff, value >> 8], pointer);
  }
  cpu.data[0x53] = 0;
  cpu.pc = pc;
  return cpu;
}

test('every instruction that is carried out here does what avr8js does, in as many cycles', (t) => {
  const seen = new Set<number>();
  fc.assert(
    fc.property(fc.nat(own.length - 1), fc.nat(), (index, seed) => {
      const pc = own[index] ?? 0;
      const kind = (decoded[pc] ?? 0) & 0xff;
      seen.add(kind);
      const expected = processor(pc, seed);
      const cpu = processor(pc, seed);
      avrInstruction(expected);
      new Core(cpu).run(1);
      // avr8js takes the half carry from bit 0, and a borrow through a whole byte for another result than 0.
      const withCarry = kind === kinds.sbc || kind === kinds.sbci || kind === kinds.cpc;
      const unlike = halfCarry | (withCarry ? 2 : 0);
      for (const one of [expected, cpu]) one.data[flags] = (one.data[flags] ?? 0) & ~unlike;
      return (
        cpu.pc === expected.pc &&
        cpu.cycles === expected.cycles &&
        Buffer.compare(Buffer.from(cpu.data), Buffer.from(expected.data)) === 0
      );
    }),
    runs,
  );
  t.true(seen.size >= 45, `${seen.size} kinds of instructions were tried`);
});

test('zero and half carry are as the instruction set says', (t) => {
  const of = (opcode: number, a: number, b: number, before: number) => {
    const cpu = new CPU(Uint16Array.of(opcode, 0), 2048);
    cpu.data.set([a, b], 16);
    cpu.data[flags] = before;
    new Core(cpu).run(1);
    return [cpu.data[16], (cpu.data[flags] ?? 0) & 0x3f];
  };
  t.deepEqual(of(0x0b01, 0x00, 0xff, 0x03), [0x00, 0x23], 'SBC r16, r17 keeps Z for a zero byte');
  t.deepEqual(of(0x0b01, 0x05, 0x05, 0x00), [0x00, 0x00], 'and does not set it');
  t.deepEqual(of(0x0f01, 0x08, 0x08, 0x00), [0x10, 0x20], 'ADD r16, r17 carries from bit 3');
});

/** Compact Intel HEX of two bytes at 0. */
const hexOf = (data: string, sum: string) => `:02000000${data}${sum}\n:00000001FF\n`;

test('an Intel HEX file is read, and refused by line where it is damaged', (t) => {
  const flash = readHex(hexOf('0C94', '5E'));
  t.is(flash[0], 0x940c);
  t.is(flash[1], 0xffff);
  const refused = { code: 'CW-DRV-016' };
  t.regex(t.throws(() => readHex(hexOf('0C94', '5F')), refused)?.message ?? '', /line 1 .* wrong checksum/);
  t.throws(() => readHex(':0200'), refused);
  t.throws(() => readHex(''), refused);
  t.throws(() => readHex(':020000000C945E\n'), { ...refused, message: /no end record/ });
  t.throws(() => readHex(':0200000400FFFB\n:020000000C945E\n:00000001FF\n'), {
    ...refused,
    message: /beyond/,
  });
});

test('a byte survives ends that differ by up to 4 %, and no byte of a line at another baud rate', (t) => {
  for (let byte = 0; byte < 256; byte++) {
    for (const off of [-0.04, -0.02, 0, 0.02, 0.04]) {
      t.deepEqual(resample(byte, 1, 1 + off), { byte, framingError: false });
    }
  }
  const wrong = Array.from({ length: 256 }, (_, byte) => resample(byte, 1, 2)).filter(
    ({ byte, framingError }, sent) => framingError || byte !== sent,
  );
  t.true(wrong.length > 250);
});

test('what a world has read holds until the next sample, and falls silent where none comes', (t) => {
  const timeline = new Timeline<number>(50_000);
  t.is(timeline.at(0), undefined);
  timeline.push(1_000, 7);
  t.is(timeline.at(0), 7, 'the first sample counts for all times before it');
  timeline.push(13_500, 8);
  t.is(timeline.at(13_499), 7);
  t.is(timeline.at(13_500), 8);
  t.is(timeline.at(500_000), 8, 'nothing is known yet of that time');
  timeline.known(100_000);
  t.is(timeline.at(600_000), undefined, 'now it is known that nothing came');
  timeline.push(600_000, 9);
  t.is(timeline.at(600_000), 9);
  for (let at = 0; at < 20_000; at++) timeline.push(600_001 + at, at);
  t.is(timeline.at(1_000_000), 19_999, 'what nobody asks for is forgotten, not the newest');
});

function converter(options: Partial<Hx711Options> = {}) {
  const latched: number[] = [];
  const model = new Hx711({
    source: () => -2,
    random: createRandom(3),
    onConversion: ({ counts, settled }) => latched.push(settled ? counts : Number.NaN),
    ...options,
  });
  model.rate(80, 0);
  let nowUs = 0;
  const pass = (us: number) => {
    nowUs += us;
    model.advance(nowUs);
  };
  const pulse = (highUs = 1): boolean => {
    model.clock(true, nowUs);
    nowUs += highUs;
    const level = model.dout ?? true;
    model.clock(false, nowUs);
    nowUs += 1;
    return level;
  };
  const read = (pulses = 25) => {
    let counts = 0;
    for (let bit = 0; bit < 24; bit++) counts = (counts << 1) | (pulse() ? 1 : 0);
    for (let more = 24; more < pulses; more++) pulse();
    return (counts << 8) >> 8;
  };
  return { model, latched, pass, pulse, read };
}

test('an HX711 shifts its conversion out most significant bit first, and then shows that it converts', (t) => {
  const { model, pass, read } = converter();
  t.true(model.dout);
  pass(60_000);
  t.false(model.dout);
  t.is(read(), -2);
  t.true(model.dout);
  t.is(model.statistics.badReads, 0);
});

test('the first conversions of an HX711 after power-up or another gain have not settled', (t) => {
  const { model, latched, pass, read } = converter();
  pass(62_500);
  t.deepEqual(latched, [Number.NaN, Number.NaN, Number.NaN, -2, -2]);
  t.is(model.statistics.overwritten, 4);
  read(27);
  pass(12_500);
  t.is(latched.at(-1), Number.NaN);
});

test('a clock that is high for more than 60 µs powers an HX711 down', (t) => {
  const { model, pass, pulse } = converter();
  pass(62_500);
  pulse(61);
  t.is(model.statistics.powerDowns, 1);
  t.true(model.dout);
  pass(12_000);
  t.true(model.dout);
  pass(1_000);
  t.false(model.dout);
});

test('a read with too few pulses counts as a bad one', (t) => {
  const { model, pass, pulse } = converter();
  pass(62_500);
  for (let i = 0; i < 7; i++) pulse();
  pass(12_500);
  t.is(model.statistics.badReads, 1);
});

test('the line of a simulated board is one port’s at a time, keeps what came early, and can be lost', async (t) => {
  const sent: number[][] = [];
  const face = new LineFace({ model: 'line' }, (bytes) => sent.push([...bytes]));
  face.deliver(Uint8Array.of(9), 1);
  const port = face.open();
  t.throws(() => face.open(), { code: 'CW-DRV-003' });
  face.deliver(Uint8Array.of(1, 2), 5);
  const heard: unknown[] = [];
  port.listen({
    data: (bytes, atUs) => heard.push([[...bytes], atUs]),
    lost: ({ code }) => heard.push(code),
  });
  t.deepEqual(heard, [[[1, 2], 5]], 'what came while nobody had it open is gone');
  await port.write(Uint8Array.of(3));
  t.deepEqual(sent, [[3]]);
  const { DriverError } = await import('#drivers/errors.ts');
  face.lose(new DriverError('CW-DRV-005', 'unplugged'));
  t.is(heard.at(-1), 'CW-DRV-005');
  await t.throwsAsync(port.write(Uint8Array.of(4)), { code: 'CW-DRV-005' });
  t.throws(() => face.open(), { code: 'CW-DRV-005' });
  face.comeBack();
  await face.open().close();
  t.false(face.isOpen);
});
