import test from 'ava';
import fc from 'fast-check';
import { evdevKeyboard } from '#drivers/scanner/evdev-keyboard.ts';
import { layoutNames } from '#drivers/scanner/keyboard-layouts.ts';
import { KeyboardText } from '#drivers/scanner/keyboard-text.ts';
import { KeyboardScannerPeer } from '#drivers/virtual/peers/keyboard-scanner.ts';
import { fuzzRuns, fuzzSeed, scannerRig } from './scanner-rig.ts';

const match = { serial: 'SIM-KBD-1' };

/** Presses and releases evdev codes one after the other; `+n` holds a key, `-n` lets it go. */
function typed(layout: (typeof layoutNames)[number], keys: string): string {
  const keyboard = new KeyboardText({ layout, functionKeys: { F8: 0x1d } });
  let text = '';
  for (const step of keys.split(' ')) {
    const code = Math.abs(Number(step));
    const values = step.startsWith('+') ? [1] : step.startsWith('-') ? [0] : [1, 0];
    for (const value of values) {
      const what = keyboard.event({ type: 1, code, value });
      if (what === undefined) continue;
      text += what.kind === 'text' ? what.text : `<${what.kind}>`;
    }
  }
  return text;
}

test('the digit row, letters and signs are those of the country', (t) => {
  // Codes of linux/input-event-codes.h: 2–11 are 1 to 0, 16 Q, 21 Y, 30 A, 44 Z, 42 left Shift, 100 AltGr.
  t.is(typed('us', '5 11 2 28'), '401<enter>');
  t.is(typed('fr', '5 11 2'), "'à&");
  t.is(typed('fr', '+42 5 11 2 -42'), '401');
  t.is(typed('us', '+42 27 -42 +42 18 -42 11'), '}E0');
  t.is(typed('us', '27 +42 18 -42 11'), ']E0');
  t.is(typed('uk', '27 +42 18 -42 11'), ']E0');
  t.is(typed('de', '+100 10 -100 +42 18 -42 11'), ']E0');
  t.is(typed('fr', '+100 12 -100 +42 18 11 -42'), ']E0');
  t.is(typed('us', '21 44'), 'yz');
  t.is(typed('de', '21 44'), 'zy');
  t.is(typed('fr', '16 30'), 'aq');
  t.is(typed('uk', '+42 3 4 40 -42 43 86'), '"£@#\\');
  t.is(typed('de', '+42 8 -42 53 86 +42 86 -42 12'), '/-<>ß');
  t.is(typed('us', '+42 53 3 -42 53'), '?@/');
});

test('Caps Lock turns letters round and leaves digits', (t) => {
  t.is(typed('us', '58 30 2 +42 30 2 -42 58 30'), 'A1a!a');
  t.is(typed('de', '58 26 12'), 'Üß');
});

test('accents wait for the next key', (t) => {
  t.is(typed('fr', '26 18'), 'ê');
  t.is(typed('de', '13 57 2'), '´1');
  t.is(typed('de', '41 41'), '^');
  t.is(typed('fr', '26 45'), '^x');
});

test('GS comes as Ctrl+], as Alt with 029 on the number pad, or as F8', (t) => {
  t.is(typed('us', '2 +29 27 -29 2'), '1\x1d1');
  t.is(typed('de', '2 +29 27 -29 2'), '1\x1d1', 'by the place of the key');
  t.is(typed('de', '2 +97 +100 10 -100 -97 2'), '1\x1d1', 'by what the key types');
  t.is(typed('us', '2 +56 82 80 73 -56 2'), '1\x1d1');
  t.is(typed('us', '2 66 2'), '1\x1d1');
  t.is(typed('us', '+56 82 80 82 81 -56'), 'Ë', 'Alt+0203');
  t.is(typed('us', '+56 73 73 73 -56 2'), '1', 'no character has the number 999');
  t.is(typed('us', '2 +29 50 -29'), '1<enter>', 'Ctrl+M');
  t.is(typed('us', '2 +29 23 -29'), '1<tab>', 'Ctrl+I');
});

test('the number pad types digits, and keys that type nothing are told', (t) => {
  t.is(typed('us', '79 80 81 75 76 77 71 72 73 82 83 74 78 98 55 96'), '1234567890.-+/*<enter>');
  t.is(typed('us', '183'), '<unknown>');
  t.is(typed('us', '+29 2 -29'), '<unknown>', 'Ctrl+1');
});

test('an identifier, the code and its terminator become one scan at the time of its last key', async (t) => {
  for (const layout of layoutNames) {
    for (const controls of ['ctrl', 'alt-numpad', 'f8'] as const) {
      const peer = new KeyboardScannerPeer({ layout, controls, numpad: controls === 'f8' });
      const rig = await scannerRig(evdevKeyboard, { input: peer }, { match, layout });
      peer.scan('010400638133393110Lot/7\x1d21X', ']d2');
      await rig.pass(10);
      t.deepEqual(rig.texts(), [']d2 010400638133393110Lot/7\x1d21X'], `${layout} ${controls}`);
      await rig.device.stop();
    }
  }
});

test('without identifiers a code is what was expected of its length and check digit', async (t) => {
  const peer = new KeyboardScannerPeer();
  const rig = await scannerRig(
    evdevKeyboard,
    { input: peer },
    { match, withoutAim: ['ean-13', 'ean-8', 'gs1-128'] },
  );
  for (const text of ['4006381333931', '96385074', '4006381333932', '10A\x1d21B']) peer.scan(text);
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E0 4006381333931', ']E4 96385074', ']X0 4006381333932', ']C1 10A\x1d21B']);
  await rig.device.stop();
});

test('the terminator is the key that was said, and other ones are part of the code', async (t) => {
  const tab = new KeyboardScannerPeer({ terminator: 'tab' });
  const rig = await scannerRig(evdevKeyboard, { input: tab }, { match, terminator: 'tab' });
  tab.tap(2);
  tab.tap(28);
  tab.scan('2');
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']X0 1\r2']);
  await rig.device.stop();
  const pad = new KeyboardScannerPeer({ terminator: 'keypad-enter' });
  const either = await scannerRig(evdevKeyboard, { input: pad }, { match, terminator: 'either' });
  pad.scan('12');
  await either.pass(10);
  t.deepEqual(either.texts(), [']X0 12']);
  await either.device.stop();
});

test('without a terminator silence ends a code, with one it tells that the end was lost', async (t) => {
  const peer = new KeyboardScannerPeer({ terminator: 'none' });
  const rig = await scannerRig(evdevKeyboard, { input: peer }, { match, terminator: 'none' });
  peer.scan('4006381333931', ']E0');
  await rig.pass(50);
  t.deepEqual(rig.texts(), []);
  await rig.pass(100);
  t.deepEqual(rig.texts(), [']E0 4006381333931']);
  t.is(rig.scans[0]?.atUs, 1_000_000, 'the time of the last key, not of the silence');
  await rig.device.stop();
  const ending = await scannerRig(evdevKeyboard, { input: peer }, { match });
  peer.scan('4006381333931', ']E0');
  await ending.pass(600);
  t.deepEqual(ending.texts(), []);
  t.deepEqual(ending.faultKinds(), ['integrity']);
  await ending.device.stop();
});

test('prefix and suffix are taken off, and missed where they should be', async (t) => {
  const peer = new KeyboardScannerPeer();
  const rig = await scannerRig(evdevKeyboard, { input: peer }, { match, prefix: '~', suffix: '#!' });
  peer.scan('~]E04006381333931#!');
  peer.scan('4006381333931');
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E0 4006381333931']);
  t.deepEqual(rig.faultKinds(), ['integrity']);
  await rig.device.stop();
});

test('a code longer than allowed is dropped up to its end', async (t) => {
  const peer = new KeyboardScannerPeer();
  const rig = await scannerRig(evdevKeyboard, { input: peer }, { match, maximumCharacters: 20 });
  peer.scan('1'.repeat(1_000));
  peer.scan('12345678901234567890');
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']X0 12345678901234567890']);
  t.deepEqual(await rig.counts(), { read: 1, repeats: 0, damaged: 1 });
  await rig.device.stop();
});

test('events that the kernel dropped spoil the code they belong to, and no other', async (t) => {
  const peer = new KeyboardScannerPeer();
  const rig = await scannerRig(evdevKeyboard, { input: peer }, { match });
  peer.tap(2);
  peer.send({ type: 0, code: 3, value: 0 });
  peer.scan('38133');
  await rig.pass(10);
  t.is(rig.faults[0]?.code, 'CW-DRV-017');
  peer.scan('96385074', ']E4');
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E4 96385074']);
  await rig.device.stop();
});

test('a code with a key that types nothing is dropped, and Num Lock is no such key', async (t) => {
  const peer = new KeyboardScannerPeer();
  const rig = await scannerRig(evdevKeyboard, { input: peer }, { match });
  peer.tap(2);
  peer.tap(183);
  peer.scan('2');
  peer.tap(69);
  peer.scan('96385074', ']E4');
  peer.tap(183);
  await rig.pass(600);
  peer.scan('4006381333931', ']E0');
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E4 96385074', ']E0 4006381333931']);
  t.deepEqual(await rig.counts(), { read: 2, repeats: 0, damaged: 2 });
  await rig.device.stop();
});

test('no sequence of events crashes the reader, and each key is one character at most two long', (t) => {
  const event = fc.record({
    type: fc.constantFrom(0, 1, 1, 1, 4),
    code: fc.oneof(fc.nat(127), fc.nat(0x2ff)),
    value: fc.constantFrom(0, 1, 1, 2, -1),
  });
  fc.assert(
    fc.property(fc.constantFrom(...layoutNames), fc.array(event, { maxLength: 40 }), (layout, events) => {
      const keyboard = new KeyboardText({ layout, functionKeys: { F8: 0x1d } });
      return events.every((one) => {
        const what = keyboard.event(one);
        return what?.kind !== 'text' || (what.text.length > 0 && [...what.text].length <= 2);
      });
    }),
    { seed: fuzzSeed, numRuns: fuzzRuns },
  );
  t.pass();
});
