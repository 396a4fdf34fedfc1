// Writes vectors.json as a C header for the firmware's tests: node check/vectors-header.ts <vectors.json> <header>
import { readFileSync, writeFileSync } from 'node:fs';

interface Vector {
  readonly name: string;
  readonly direction: 'to-bridge' | 'to-host';
  readonly id: number;
  readonly payload: string;
  readonly wire: string;
}

function literal(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function row(vector: Vector): string {
  const towardsBridge = vector.direction === 'to-bridge';
  return `  {${literal(vector.name)}, ${towardsBridge}, ${vector.id}, "${vector.payload}", "${vector.wire}"},`;
}

const [source = 'vectors.json', target = 'vectors.h'] = process.argv.slice(2);
const { vectors } = JSON.parse(readFileSync(source, 'utf8')) as { vectors: readonly Vector[] };
if (vectors.length === 0) throw new Error(`${source} holds no vectors`);
const lines = [
  '/* Made of vectors.json by vectors-header.ts. */',
  'static const struct {',
  '  const char *name;',
  '  bool to_bridge;',
  '  uint8_t id;',
  '  const char *payload;',
  '  const char *wire;',
  '} vectors[] = {',
  ...vectors.map(row),
  '};',
  '',
];
writeFileSync(target, lines.join('\n'));
