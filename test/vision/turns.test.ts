import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { patient, Turns } from '#vision/process/turns.ts';

/** A backend of one value an embedding (the first byte of its picture), of which every call ends when the test says so. */
function slowBackend() {
  const ends: (() => void)[] = [];
  let running = 0;
  let most = 0;
  return {
    side: 1,
    dimensions: 1,
    counts: [] as number[],
    get most() {
      return most;
    },
    async embed(pixels: Uint8Array, count: number): Promise<Float32Array> {
      this.counts.push(count);
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => ends.push(resolve));
      running--;
      return Float32Array.of(pixels[0] ?? 0);
    },
    async end(): Promise<void> {
      ends.shift()?.();
      await setImmediate();
    },
  };
}

test('What a decision waits for goes before the rest of an enrolment', async (t) => {
  const backend = slowBackend();
  const turns = new Turns();
  const done: string[] = [];
  const pixels = Uint8Array.of(1, 0, 0, 2, 0, 0, 3, 0, 0);
  const enrolled = patient(backend, turns).embed(pixels, 3);
  void enrolled.then(() => done.push('enrolled'));
  await setImmediate();
  for (const name of ['first', 'second']) {
    void turns
      .take(() => backend.embed(Uint8Array.of(9, 0, 0), 1))
      .then(([value]) => done.push(`${name} ${value}`));
  }
  for (let call = 0; call < 3; call++) await backend.end();
  t.deepEqual(done, ['first 9', 'second 9'], 'one picture of the enrolment was under way');
  for (let call = 0; call < 2; call++) await backend.end();
  t.deepEqual(await enrolled, Float32Array.of(1, 2, 3));
  t.deepEqual(backend.counts, [1, 1, 1, 1, 1]);
  t.is(backend.most, 1, 'a backend takes one call at a time');
});

test('Work that fails fails alone, and what ends waits for all that was begun', async (t) => {
  const turns = new Turns();
  const done: number[] = [];
  const failing = turns.take(() => Promise.reject(new Error('it broke')));
  const after = turns.take(async () => done.push(1));
  const last = turns.take(async () => {
    await setImmediate();
    done.push(2);
  }, 'patient');
  await t.throwsAsync(failing, { message: 'it broke' });
  await turns.idle();
  t.deepEqual(done, [1, 2]);
  await Promise.all([after, last, turns.idle()]);
});
