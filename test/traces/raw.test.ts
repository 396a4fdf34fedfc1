import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { deviceSchema } from '#config/board.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { TraceError } from '#traces/errors.ts';
import { RawRecorder, rawFolder } from '#traces/raw.ts';

test('a device whose recording can not be written does not cost the others the end of theirs', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-raw-'));
  t.teardown(() => rm(folder, { recursive: true }));
  // A folder of that name: the file can't be made.
  await mkdir(join(folder, rawFolder, 'broken.ndjson'), { recursive: true });
  const clock = new VirtualClock(1_000_000);
  const failed = Promise.withResolvers<TraceError>();
  const recorder = await RawRecorder.open(folder, clock, 1_000_000, failed.resolve);
  const tap = (id: string, options: object) =>
    recorder.tap(deviceSchema.parse({ id, driver: 'fake', options }), new PeerPorts(clock, {}));
  tap('broken', {});
  t.is((await failed.promise).code, 'CW-TRC-008');
  const options = { text: 'x'.repeat(8_000_000) };
  tap('whole', options);
  await t.throwsAsync(() => recorder.close(), { instanceOf: TraceError });
  const [header = ''] = (await readFile(join(folder, rawFolder, 'whole.ndjson'), 'utf8')).split('\n');
  t.deepEqual((JSON.parse(header) as { options: object }).options, options);
});
