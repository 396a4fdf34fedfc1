import { writeFileSync } from 'node:fs';
import type { LensMemory } from '#vision/change/lens-memory.ts';
import type { FromVision, ToVision } from '#vision/process/messages.ts';

/**
 * A vision process that behaves as its setup's `model` says, for tests of who keeps it going. Words are joined by `+`:
 * the first times do not count, where `once` is among them, since the folder `gallery` is told of.
 */
const say = (message: FromVision) => process.send?.(message);
let mode: readonly string[] = [];
let residentBytes = 100e6;

function health(): void {
  if (mode.includes('leaks')) residentBytes += 150e6;
  say({ kind: 'health', health: { cameras: cameras(), looksPerSecond: 10, residentBytes } });
}

let frames = 0;
let looks: readonly string[] = [];
let ids: readonly string[] = [];
let known: readonly LensMemory[] = [];
const dirt = { fault: 'integrity' as const, code: 'CW-VIS-015', message: 'the lens is dirty' };
function cameras() {
  frames += 10;
  return ids.map((id) => ({
    id,
    driver: 'files',
    state: 'running' as const,
    identity: { model: 'pictures' },
    frames,
    framesPerSecond: 10,
    framesDropped: 0,
  }));
}

function begin({ setup, lenses }: Extract<ToVision, { kind: 'begin' }>): void {
  known = lenses;
  const words = (setup.model ?? '').split('+');
  looks = setup.looks;
  ids = setup.devices.map(({ id }) => id);
  let again = false;
  if (words.includes('once') && setup.gallery !== undefined) {
    try {
      writeFileSync(setup.gallery, '', { flag: 'wx' });
    } catch {
      again = true;
    }
  }
  mode = again ? [] : words;
  if (mode.includes('mute')) return;
  if (mode.includes('crashes')) process.exit(7);
  health();
  setInterval(health, 20);
  say({ kind: 'ready', backend: 'test', model: again ? 'again' : 'first' });
  if (mode.includes('nonsense')) {
    process.send?.({ kind: 'looked', id: 1, pixels: new Uint8Array(300) });
  }
  if (mode.includes('bytes')) process.send?.(new Uint8Array(100_000));
  if (mode.includes('floods')) for (let i = 0; i < 20_000; i++) health();
  if (mode.includes('prints')) process.stderr.write(`${'native \u0001 trouble '.repeat(100)}\n`);
  if (mode.includes('faulty')) {
    const fault = { fault: 'integrity' as const, code: 'CW-VIS-007', message: 'frames are damaged' };
    for (const source of ids) say({ kind: 'fault', source, fault, atUs: 1 });
  }
  if (mode.includes('dirty')) {
    const camera = ids[0] ?? '';
    say({ kind: 'lens', camera, normal: { sharpness: 0.4, rim: Int8Array.of(1, -2) } });
    say({ kind: 'fault', source: camera, fault: dirt, atUs: 1 });
  }
}

process.on('message', (message: ToVision) => {
  if (message.kind === 'begin') begin(message);
  else if (message.kind === 'look' && !mode.includes('blind')) {
    const { id, plate, settledAtUs } = message;
    const camera = ids[0] ?? 'camera';
    const told = {
      id,
      plate,
      settledAtUs,
      atUs: settledAtUs,
      camera,
      things: [
        {
          change: 'came' as const,
          moved: false,
          box: [100, 200, 300, 400] as const,
          candidates: [{ look: looks[0] ?? 'apple', probabilityPpm: 900_000 }],
          unknownPpm: 100_000,
          ambiguous: false,
        },
      ],
      enrolledPpm: 1_000_000,
    };
    say({ kind: 'looked', outcome: 'seen', ...told });
    if (mode.includes('eager')) {
      say({ kind: 'looked', outcome: 'seen', ...told });
      say({ kind: 'looked', outcome: 'seen', ...told, id: id + 500 });
    }
  } else if (message.kind === 'erase') say({ kind: 'erased', id: message.id, files: 3 });
  else if (message.kind === 'record' && !mode.includes('slow')) {
    say({ kind: 'refused', id: message.id, code: 'CW-VIS-020', message: 'no room' });
  } else if (message.kind === 'trip') {
    // By now it has seen which lenses are clean again: those that it knows.
    for (const { camera, normal, standing } of known) {
      if (normal?.sharpness !== 0.4 || normal.rim[1] !== -2 || !standing.includes(dirt.code)) continue;
      say({ kind: 'fault', source: camera, fault: { ...dirt, cleared: true }, atUs: 1 });
    }
  } else if (message.kind === 'watch') {
    const { plate, atUs } = message;
    say({ kind: 'code', camera: ids[0] ?? '', plate, atUs, data: Buffer.from('QR-1234'), symbology: ']Q1' });
  } else if (message.kind === 'stop' && !mode.includes('stubborn')) process.exit(0);
});
process.once('disconnect', () => process.exit(0));
