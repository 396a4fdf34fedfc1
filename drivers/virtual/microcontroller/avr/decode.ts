/** What `Core` carries out itself, by kind; everything else it leaves to avr8js. */
export const kinds = {
  other: 0,
  ldi: 1,
  mov: 2,
  movw: 3,
  add: 4,
  adc: 5,
  sub: 6,
  sbc: 7,
  cp: 8,
  cpc: 9,
  cpi: 10,
  subi: 11,
  sbci: 12,
  and: 13,
  or: 14,
  eor: 15,
  andi: 16,
  ori: 17,
  inc: 18,
  dec: 19,
  lsr: 20,
  ror: 21,
  lds: 22,
  sts: 23,
  loadY: 24,
  loadZ: 25,
  storeY: 26,
  storeZ: 27,
  loadX: 28,
  loadXUp: 29,
  loadZUp: 30,
  storeX: 31,
  storeXUp: 32,
  storeZUp: 33,
  push: 34,
  pop: 35,
  in: 36,
  out: 37,
  rjmp: 38,
  rcall: 39,
  call: 40,
  jmp: 41,
  ret: 42,
  branchSet: 43,
  branchClear: 44,
  skipClear: 45,
  skipSet: 46,
  skipEqual: 47,
  adiw: 48,
  sbiw: 49,
  sleep: 50,
  com: 51,
  sei: 52,
  reti: 53,
} as const;

/**
 * A program, taken apart once. For each word the instruction that begins there: its kind in the low 8 bits, its first
 * register or mask in the next 8, and its second register, constant, address or distance, signed, in the high 16.
 */
export type Decoded = Int32Array;

/** Flash that holds no program; no instruction of a program is this. */
const erased = 0xffff;
const known = new WeakMap<Uint16Array, Decoded>();

export function decode(program: Uint16Array): Decoded {
  const before = known.get(program);
  if (before !== undefined) return before;
  const decoded = new Int32Array(program.length);
  for (let pc = 0; pc < program.length; pc++) {
    if (program[pc] === erased) continue;
    const [kind, d, r] = decodeOne(program[pc] ?? 0, program[pc + 1] ?? 0) ?? [kinds.other, 0, 0];
    decoded[pc] = kind | (d << 8) | (r << 16);
  }
  known.set(program, decoded);
  return decoded;
}

type Instruction = readonly [kind: number, d: number, r: number];

/** AVR Instruction Set Manual (DS40002198): encodings by their fixed bits. */
function decodeOne(opcode: number, next: number): Instruction | undefined {
  return (
    twoRegisters(opcode) ??
    constants(opcode) ??
    memory(opcode, next) ??
    oneRegister(opcode) ??
    flow(opcode, next)
  );
}

const dOf = (opcode: number) => (opcode & 0x1f0) >> 4;

const kindsOfTwoRegisters: Readonly<Record<number, number>> = {
  1024: kinds.cpc,
  2048: kinds.sbc,
  3072: kinds.add,
  4096: kinds.skipEqual,
  5120: kinds.cp,
  6144: kinds.sub,
  7168: kinds.adc,
  8192: kinds.and,
  9216: kinds.eor,
  10240: kinds.or,
  11264: kinds.mov,
};

function twoRegisters(opcode: number): Instruction | undefined {
  if ((opcode & 0xff00) === 0x0100) return [kinds.movw, 2 * ((opcode & 0xf0) >> 4), 2 * (opcode & 0xf)];
  const kind = kindsOfTwoRegisters[opcode & 0xfc00];
  return kind === undefined ? undefined : [kind, dOf(opcode), (opcode & 0xf) | ((opcode & 0x200) >> 5)];
}

const kindsOfConstants: Readonly<Record<number, number>> = {
  12288: kinds.cpi,
  16384: kinds.sbci,
  20480: kinds.subi,
  24576: kinds.ori,
  28672: kinds.andi,
  57344: kinds.ldi,
};

function constants(opcode: number): Instruction | undefined {
  const kind = kindsOfConstants[opcode & 0xf000];
  if (kind !== undefined)
    return [kind, 16 + ((opcode & 0xf0) >> 4), (opcode & 0xf) | ((opcode & 0xf00) >> 4)];
  const wide = opcode & 0xff00;
  if (wide !== 0x9600 && wide !== 0x9700) return undefined;
  const pair = 24 + 2 * ((opcode & 0x30) >> 4);
  return [wide === 0x9600 ? kinds.adiw : kinds.sbiw, pair, (opcode & 0xf) | ((opcode & 0xc0) >> 2)];
}

const kindsOfMemory: Readonly<Record<number, number>> = {
  36864: kinds.lds,
  37376: kinds.sts,
  36865: kinds.loadZUp,
  37377: kinds.storeZUp,
  36876: kinds.loadX,
  36877: kinds.loadXUp,
  37388: kinds.storeX,
  37389: kinds.storeXUp,
  36879: kinds.pop,
  37391: kinds.push,
};

function memory(opcode: number, next: number): Instruction | undefined {
  if ((opcode & 0xd000) === 0x8000) {
    const offset = (opcode & 7) | ((opcode & 0xc00) >> 7) | ((opcode & 0x2000) >> 8);
    const stores = (opcode & 0x200) !== 0;
    const isY = (opcode & 8) !== 0;
    const kind = stores ? (isY ? kinds.storeY : kinds.storeZ) : isY ? kinds.loadY : kinds.loadZ;
    return [kind, dOf(opcode), offset];
  }
  const kind = kindsOfMemory[opcode & 0xfe0f];
  if (kind !== undefined) return [kind, dOf(opcode), next];
  const io = opcode & 0xf800;
  if (io !== 0xb000 && io !== 0xb800) return undefined;
  return [
    io === 0xb000 ? kinds.in : kinds.out,
    dOf(opcode),
    0x20 + ((opcode & 0xf) | ((opcode & 0x600) >> 5)),
  ];
}

const kindsOfOneRegister: Readonly<Record<number, number>> = {
  37888: kinds.com,
  37891: kinds.inc,
  37894: kinds.lsr,
  37895: kinds.ror,
  37898: kinds.dec,
};

function oneRegister(opcode: number): Instruction | undefined {
  const kind = kindsOfOneRegister[opcode & 0xfe0f];
  return kind === undefined ? undefined : [kind, dOf(opcode), 0];
}

function flow(opcode: number, next: number): Instruction | undefined {
  const far = opcode & 0xf000;
  if (far === 0xc000 || far === 0xd000) {
    const distance = (opcode & 0x7ff) - (opcode & 0x800);
    return [far === 0xc000 ? kinds.rjmp : kinds.rcall, 0, distance];
  }
  const branch = opcode & 0xfc00;
  if (branch === 0xf000 || branch === 0xf400) {
    const distance = ((opcode & 0x1f8) >> 3) - ((opcode & 0x200) >> 3);
    return [branch === 0xf000 ? kinds.branchSet : kinds.branchClear, 1 << (opcode & 7), distance];
  }
  const skip = opcode & 0xfe08;
  if (skip === 0xfc00 || skip === 0xfe00) {
    return [skip === 0xfc00 ? kinds.skipClear : kinds.skipSet, dOf(opcode), 1 << (opcode & 7)];
  }
  if (opcode === 0x940e) return [kinds.call, 0, next];
  if (opcode === 0x940c) return [kinds.jmp, 0, next];
  if (opcode === 0x9508) return [kinds.ret, 0, 0];
  if (opcode === 0x9518) return [kinds.reti, 0, 0];
  if (opcode === 0x9478) return [kinds.sei, 0, 0];
  if (opcode === 0x9588) return [kinds.sleep, 0, 0];
  return undefined;
}

/** LDS, STS, CALL and JMP are two words long, which a skip has to know. */
export function isLong(opcode: number): boolean {
  const start = opcode & 0xfe0f;
  return start === 0x9000 || start === 0x9200 || (opcode & 0xfe0e) === 0x940e || (opcode & 0xfe0e) === 0x940c;
}
