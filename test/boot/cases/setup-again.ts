import { type Bench, keyFile, version } from '../bench.ts';
import { expect } from '../case.ts';
import { differences, listMachine } from '../listing.ts';

export const title = 'a second run of scripts/setup changes nothing';

/** See `Case`. */
export async function run(bench: Bench): Promise<readonly string[]> {
  const { box } = await bench.living();
  const before = await listMachine(box);
  const said = await box.sh(
    `/opt/cartwright/releases/${version}/scripts/setup --offline --no-start --key /mnt/release/${keyFile} --config /mnt/release/cartwright.yaml 2>&1`,
  );
  const changed = differences(before, await listMachine(box));
  expect(changed.length === 0, `it changed:\n${changed.slice(0, 30).join('\n')}\nand said:\n${said}`);
  expect(before.size > 3_000, `only ${before.size} things were compared`);
  return [`${before.size} files, folders and links compared`];
}
