import type { Bench } from '../bench.ts';
import { cutPowerAgain } from '../power-cuts.ts';

export const title =
  'whenever its power is cut while it trades or takes a release, a cart boots, works, and has its ledger as before';

/** See `Case`. CARTWRIGHT_BOOT_CUTS: more of them. CARTWRIGHT_BOOT_SEED: other moments. */
export function run(bench: Bench): Promise<readonly string[]> {
  return cutPowerAgain(bench, {
    cuts: Number(process.env.CARTWRIGHT_BOOT_CUTS ?? 5),
    seed: Number(process.env.CARTWRIGHT_BOOT_SEED ?? 1),
    say: bench.log,
  });
}
