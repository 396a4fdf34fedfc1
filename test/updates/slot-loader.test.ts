import test from 'ava';
import fc from 'fast-check';
import {
  entryFile,
  entryText,
  firstToBoot,
  readEntry,
  readEntryName,
  trialFile,
} from '#updates/slots/loader-entry.ts';
import { runningSlot } from '#updates/slots/slot.ts';

const entry = (slot: 'a' | 'b', generation: number) =>
  entryText({ slot, version: '1.0.0', generation, rootId: 'r', dataId: 'd', kernelWords: [] });

test('names of entries count tries as the boot loader does', (t) => {
  t.is(entryFile('a'), 'cartwright-a.conf');
  t.is(trialFile('b'), 'cartwright-b+3.conf');
  t.deepEqual(readEntryName('cartwright-b+2-1.conf'), { slot: 'b', triesLeft: 2, triesDone: 1 });
  t.deepEqual(readEntryName('cartwright-a.conf'), { slot: 'a', triesLeft: undefined, triesDone: 0 });
  for (const name of ['cartwright-c.conf', 'debian.conf', 'cartwright-a+.conf', 'cartwright-a.conf.new'])
    t.is(readEntryName(name), undefined, name);
});

test('what is written of an entry is read back, with the words that are the machine own', (t) => {
  const word = fc
    .stringMatching(/^[a-z]{1,8}(?:=[a-zA-Z0-9,]{1,8})?$/)
    .filter((text) => !/^(?:ro|root=|rootfstype=|panic=)/.test(text));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9_999 }), fc.array(word), (generation, kernelWords) => {
      const read = readEntry(
        entryText({ slot: 'b', version: '2.0.1', generation, rootId: 'r', dataId: 'd', kernelWords }),
      );
      t.deepEqual(read, { generation, kernelWords, version: '2.0.1' });
    }),
    { seed: 1 },
  );
});

test('the newest root is started until its tries are used up, then the one from before', (t) => {
  const a = { file: 'cartwright-a.conf', text: entry('a', 9) };
  const b = (name: string) => ({ file: name, text: entry('b', 10) });
  t.is(firstToBoot([a]), 'a');
  t.is(firstToBoot([a, b('cartwright-b+3.conf')]), 'b');
  t.is(firstToBoot([a, b('cartwright-b+1-2.conf')]), 'b');
  t.is(firstToBoot([a, b('cartwright-b+0-3.conf')]), 'a');
  t.is(firstToBoot([a, b('cartwright-b.conf')]), 'b');
  t.is(firstToBoot([]), undefined);
});

test('the running slot stands on the command line of the kernel', (t) => {
  t.is(runningSlot('root=x cartwright.slot=b ro\n'), 'b');
  t.is(runningSlot('root=x ro'), undefined);
  t.is(runningSlot('xcartwright.slot=a cartwright.slot=c'), undefined);
});
