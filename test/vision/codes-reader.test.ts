import test from 'ava';
import { VirtualClock } from '#base/clock.ts';
import type { FoundCode } from '#vision/codes/evidence.ts';
import { CodeReader } from '#vision/codes/reader.ts';
import { type SearchJob, startCodeThread, type ThreadListener } from '#vision/codes/thread.ts';
import { VisionError } from '#vision/errors.ts';
import { draw, drawModules } from './support/drawn-codes.ts';

const effort = { thorough: false, anyItf: false };
const luma = (value = 0) => ({ width: 1, height: 1, data: Uint8Array.of(value) });
const code = (text: string): FoundCode => ({
  format: 'EAN13',
  data: new TextEncoder().encode(text),
  symbology: ']E0',
  text,
  box: { left: 0, top: 0, width: 1, height: 1 },
  at: { x: 0, y: 0 },
  sure: true,
});

/** Threads that do what the test says. */
class Threads {
  readonly started: { readonly listener: ThreadListener; readonly jobs: SearchJob[]; ended: boolean }[] = [];

  readonly start = (listener: ThreadListener) => {
    const thread = { listener, jobs: [] as SearchJob[], ended: false };
    this.started.push(thread);
    return {
      post: (job: SearchJob) => {
        thread.jobs.push(job);
      },
      end: async () => {
        thread.ended = true;
      },
    };
  };

  get last() {
    const last = this.started.at(-1);
    if (last === undefined) throw new Error('no thread was started');
    return last;
  }

  ready(): this {
    this.last.listener.message({ kind: 'ready' });
    return this;
  }

  /** Answers the job that runs; what it found is named after its one pixel. */
  answer(): this {
    const job = this.last.jobs.at(-1);
    if (job === undefined) throw new Error('no job runs');
    const codes = [code(String(job.luma.data[0]))];
    this.last.listener.message({ kind: 'found', id: job.id, codes });
    return this;
  }
}

function makeReader() {
  const clock = new VirtualClock();
  const threads = new Threads();
  const reader = new CodeReader({ clock, startThread: threads.start, limitMs: 2000 });
  const texts = async (camera: string, value: number) =>
    (await reader.search(camera, luma(value), effort))?.map(({ text }) => text);
  const failure = async (camera: string) => {
    const error = await reader.search(camera, luma(), effort).catch((reason: unknown) => reason);
    return error instanceof VisionError ? error.toString() : `no failure: ${String(error)}`;
  };
  return { clock, threads, reader, texts, failure };
}

test('no thread is started before the first search, and one serves all cameras in turn', async (t) => {
  const { threads, texts } = makeReader();
  t.is(threads.started.length, 0);
  const searches = [texts('a', 1), texts('b', 2)];
  t.deepEqual(threads.last.jobs, [], 'it has to load first');
  threads.ready().answer().answer();
  t.deepEqual(await Promise.all(searches), [['1'], ['2']]);
  t.is(threads.started.length, 1);
});

test('of each camera only the newest picture waits, and no camera waits for ever', async (t) => {
  const { threads, texts } = makeReader();
  const first = texts('a', 1);
  threads.ready();
  const searches = [texts('a', 2), texts('b', 3), texts('a', 4), texts('a', 5)];
  threads.answer();
  t.is(threads.last.jobs.at(-1)?.luma.data[0], 5, 'camera a kept its place');
  threads.answer().answer();
  t.deepEqual(await first, ['1']);
  t.deepEqual(await Promise.all(searches), [undefined, ['3'], undefined, ['5']]);
});

test('a thread that hangs is ended and replaced, and what waited is searched by the new one', async (t) => {
  const { clock, threads, texts, failure } = makeReader();
  const hung = failure('a');
  threads.ready();
  const waiting = texts('b', 7);
  const [first] = threads.started;
  clock.advance(1_999_000);
  t.false(first?.ended);
  clock.advance(2_000);
  t.true(first?.ended);
  t.regex(await hung, /^CW-VIS-018 .*longer than 2000 ms/);
  t.is(threads.started.length, 2);
  first?.listener.message({ kind: 'found', id: 1, codes: [code('late')] });
  threads.ready().answer();
  t.deepEqual(await waiting, ['7']);
});

test('a thread that dies is replaced, and after failures in a row with growing pauses', async (t) => {
  const { clock, threads, texts, failure } = makeReader();
  const pauses: number[] = [];
  for (let time = 0; time < 9; time++) {
    const search = failure('a');
    threads.last.listener.ended('its thread ended (1)');
    t.regex(await search, /CW-VIS-018 .*its thread ended/);
    const count = threads.started.length;
    const beganUs = clock.nowUs();
    while (/failed again/.test(await failedAtOnce())) clock.advance(100_000);
    pauses.push((clock.nowUs() - beganUs) / 1000);
    t.true(threads.started.length <= count + 1);
  }
  t.deepEqual(pauses, [0, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  const found = texts('a', 3);
  threads.ready().answer();
  t.deepEqual(await found, ['3']);

  /** What a search says that is refused before anything is started; a newer search takes the place of one that is not. */
  async function failedAtOnce(): Promise<string> {
    const search = failure('a');
    return Promise.race([search, Promise.resolve().then(() => Promise.resolve('waits'))]);
  }
});

test('a thread that is never ready is given up', async (t) => {
  const { clock, threads, failure } = makeReader();
  const search = failure('a');
  clock.advance(20_000_000);
  t.regex(await search, /CW-VIS-018 .*not ready after 20 s/);
  t.true(threads.last.ended);
});

test('closing ends the thread and all searches, once and for all', async (t) => {
  const { threads, reader, failure } = makeReader();
  const searches = [failure('a')];
  threads.ready();
  searches.push(failure('a'), failure('b'));
  await reader.close();
  await reader.close();
  t.true(threads.last.ended);
  for (const text of await Promise.all([...searches, failure('c')])) t.regex(text, /CW-VIS-018 .*closed/);
  t.is(threads.started.length, 1);
});

test('a real thread reads a code, gets over a picture that breaks it, and lets the process end', async (t) => {
  const reader = new CodeReader();
  const picture = draw(await drawModules('QR-shopper-1', 'QRCode'), { width: 120, height: 120, module: 4 });
  const copy = () => ({ ...picture, data: picture.data.slice() });
  const found = await reader.search('a', copy(), effort);
  t.deepEqual(
    found?.map(({ text }) => text),
    ['QR-shopper-1'],
  );
  // Fewer bytes than the size says: ZXing refuses the file, and the thread is replaced.
  const broken = { width: 4000, height: 4000, data: new Uint8Array(10) };
  await reader.search('a', broken, effort).catch((error: unknown) => t.true(error instanceof VisionError));
  const again = await reader.search('a', copy(), effort);
  t.deepEqual(
    again?.map(({ text }) => text),
    ['QR-shopper-1'],
  );
  await reader.close();
});

test('a real thread that never answers is ended from outside', async (t) => {
  const program = new URL(
    `data:text/javascript,${encodeURIComponent(
      "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { for (;;); }); parentPort.postMessage({ kind: 'ready' });",
    )}`,
  );
  const reader = new CodeReader({
    limitMs: 100,
    startThread: (listener) => startCodeThread(listener, program),
  });
  await t.throwsAsync(reader.search('a', luma(), effort), { code: 'CW-VIS-018' });
  await reader.close();
});
