import openWabt from 'wabt';

/** WebAssembly text as a binary module with 128-bit SIMD and nothing newer. Rejects with what wabt finds wrong. */
export async function compileWat(name: string, text: string): Promise<Uint8Array> {
  const wabt = await openWabt();
  const module = wabt.parseWat(name, text, { simd: true });
  try {
    module.validate();
    return module.toBinary({ write_debug_names: false }).buffer;
  } finally {
    module.destroy();
  }
}

/** A binary module as a TypeScript module: the gateway has neither a compiler nor a file to look for. */
export function wasmModule(source: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,100}/g) ?? [];
  return `/** Made from ${source} by \`node scripts/wasm.ts\`: the module, base64. */
export const wasmBase64 = [
${lines.map((line) => `  '${line}',`).join('\n')}
].join('');
`;
}
