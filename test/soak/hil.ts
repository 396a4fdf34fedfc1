import { runProgram } from './children.ts';
import type { Stage } from './stage.ts';

/** What the runs tell of plug cycles: times to the first reading, open files, memory. */
const figures = /first reading .*put back|open files .*memory|memory in round/;

/** Each device of the virtual machine pulled and put back a hundred times, between the other tests of devices. */
export const hilStage: Stage = {
  name: 'hil',
  about: 'firmware and devices, each device pulled and put back a hundred times in a virtual machine',
  async run({ cycles }, say) {
    // With CI nothing may be skipped: a soak without its machine proves nothing.
    const { code, lines } = await runProgram('node', ['test/hil/main.ts'], {
      CARTWRIGHT_HIL_CYCLES: String(cycles),
      CI: 'true',
    });
    for (const line of lines) if (figures.test(line)) say(`hil ${line.replace(/^\W+/, '')}`);
    const faults = lines.filter((line) => /^(?:failed|skipped) /.test(line));
    if (code !== 0 && faults.length === 0) faults.push(`test/hil ended with ${code}`);
    return {
      summary: `${cycles} cycles a device; ${lines.at(-1) ?? 'nothing was said'}`,
      faults,
      details: code === 0 ? [] : lines.slice(-150),
    };
  },
};
