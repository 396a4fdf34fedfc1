import { runProgram } from './children.ts';
import type { Stage } from './stage.ts';

const folder = 'boards/firmware/load-cell-bridge';

/** The firmware's portable core under its own checks, with a million messages for its receiver. */
export const firmwareStage: Stage = {
  name: 'firmware',
  about: "the bridge's firmware on this computer, checked for memory errors, with a million messages",
  async run({ inputs }) {
    const { code, lines } = await runProgram(
      'make',
      ['check'],
      { CARTWRIGHT_FUZZ_RUNS: String(inputs) },
      folder,
    );
    const last = lines.at(-1) ?? 'make said nothing';
    return {
      summary: `${inputs.toLocaleString('en-US')} messages; ${last}`,
      faults: code === 0 ? [] : [`make check ended with ${code}`],
      details: code === 0 ? [] : lines.slice(-20),
    };
  },
};
