import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';

/** What of a processor decides how fast a quantized network is. */
export interface VisionMachine {
  readonly processor: string;
  /** Vector instructions that matter here, as Linux names them; none where it does not say. */
  readonly instructions: readonly string[];
  /** Whether four products of bytes are added in one instruction: VNNI on x64, dotprod (asimddp) on arm64. */
  readonly dotProducts: boolean;
}

const telling = [
  'sse4_1',
  'avx2',
  'avx512f',
  'avx512_vnni',
  'avx_vnni',
  'amx_int8',
  'asimd',
  'asimddp',
  'i8mm',
  'sve',
];
const dotting = new Set(['avx512_vnni', 'avx_vnni', 'amx_int8', 'asimddp', 'i8mm']);

/** This machine's processor, from `/proc/cpuinfo` where there is one. */
export async function readMachine(): Promise<VisionMachine> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const board = await readFile('/proc/device-tree/model', 'utf8').catch(() => '');
  const model = cpus()[0]?.model.trim() ?? '';
  const name = model === '' || model === 'unknown' ? board.replaceAll('\0', '') : model;
  return { processor: name === '' ? 'unknown' : name, ...instructionsOf(text) };
}

/** The instructions that a text as in `/proc/cpuinfo` names: `flags` on x64, `Features` on arm64. */
export function instructionsOf(cpuinfo: string): Pick<VisionMachine, 'instructions' | 'dotProducts'> {
  const [, line = ''] = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo) ?? [];
  const has = new Set(line.split(/\s+/));
  const instructions = telling.filter((one) => has.has(one));
  return { instructions, dotProducts: instructions.some((one) => dotting.has(one)) };
}
