import { existsSync } from 'node:fs';
import { readlink, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { silentLogger } from '#base/log.ts';
import { placesUnder } from '#updates/places.ts';
import { Updater } from '#updates/updater.ts';

/**
 * One run of the updater on a device of a test, in time that passes by itself: `node updater-run.ts ROOT`. The gateway that
 * it starts is well; with a file `sick` in ROOT, every one but 1.0.0 ends.
 */
const [root = ''] = process.argv.slice(2);
const places = placesUnder(root);
let nowMs = 0;
let runs = '';
const updater = await Updater.open({
  places,
  services: {
    stop: async () => {},
    start: async () => {
      runs = basename(await readlink(places.current));
      const checks = { sensors: true, fusion: true, broker: true };
      await writeFile(places.healthy, JSON.stringify({ version: runs, checks, faulty: [] }));
    },
    reload: async () => {},
    goOnLater: async () => {},
    hasFailed: async () => runs !== '1.0.0' && existsSync(`${root}/sick`),
  },
  log: silentLogger,
  bootId: 'boot-1',
  utcMs: () => 1_795_000_000_000,
  nowMs: () => nowMs,
  sleep: async () => {
    nowMs += 60_000;
  },
});
await updater.run();
