import { type Bench, device } from '../bench.ts';
import { expect } from '../case.ts';

export const title =
  'a gateway that crashes again and again ends in safe mode, which reports; after its while the gateway comes back by itself';

/** Safe mode ends after ten minutes, and then the gateway starts. */
const backWithinMs = 1_800_000;

/** See `Case`. */
export async function run(bench: Bench): Promise<readonly string[]> {
  const { box, watch } = await bench.living();
  await watch.birth();
  await box.sh('systemctl reset-failed cartwright.service');
  const firstMs = performance.now();
  const crashes = (
    await box.sh(`crashes=0
for try in $(seq 600); do
  [ "$(systemctl is-active cartwright-safe.service)" = inactive ] || break
  pid=$(systemctl show -P MainPID cartwright.service)
  [ "$pid" = 0 ] || { kill -KILL "$pid" && crashes=$((crashes + 1)); }
  sleep 1
done
echo $crashes`)
  ).trim();
  const safe = await watch.until('a word of safe mode', () =>
    watch.told.find(
      ({ topic, body, atMs }) => atMs > firstMs && topic.endsWith(`/${device}/state`) && body.mode === 'safe',
    ),
  );
  expect(safe.body.online === true, 'safe mode says that it is away');
  expect(Number(crashes) <= 6, `it crashed ${crashes} times before safe mode began`);
  const gateway = (await box.try('systemctl is-active cartwright.service')).stdout.trim();
  expect(gateway !== 'active', 'the gateway runs beside safe mode');
  const back = await watch.birth(safe.atMs, backWithinMs);
  await watch.more(3);
  expect(watch.store.gaps().length === 0, `events are missing: ${watch.store.gaps()}`);
  return [
    `${crashes} crashes, ${seconds(safe.atMs - firstMs)} s from the first to safe mode's word: ${JSON.stringify(safe.body.safe)}`,
    `${seconds(back.atMs - safe.atMs)} s from there to the next birth of the gateway`,
  ];
}

const seconds = (ms: number) => (ms / 1_000).toFixed(0);
