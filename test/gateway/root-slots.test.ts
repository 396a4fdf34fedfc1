import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { Draft } from '#events/event.ts';
import {
  readSlotState,
  type SlotHappening,
  withHappening,
  writeSlotState,
} from '#updates/slots/slot-state.ts';
import { RootSlots } from '../../src/gateway/root-slots.ts';

/** A device with root slots, seen from its gateway. */
class Device {
  readonly clock = new VirtualClock();
  readonly told: Draft[] = [];
  readonly stored: Record<string, string> = {};
  readonly places: { commandLine: string; imageFacts: string; state: string };

  constructor(t: ExecutionContext, commandLine = 'root=x cartwright.slot=a quiet') {
    const folder = mkdtempSync(join(tmpdir(), 'cartwright-roots-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    this.places = {
      commandLine: join(folder, 'cmdline'),
      imageFacts: join(folder, 'image.json'),
      state: join(folder, 'state.json'),
    };
    writeFileSync(this.places.commandLine, commandLine);
    writeFileSync(this.places.imageFacts, '{"image":1,"version":"1.0.0"}');
  }

  async happens(one: Pick<SlotHappening, 'what'> & Partial<SlotHappening>): Promise<void> {
    const state = await readSlotState(this.places.state);
    const facts = { atMs: 5, version: '1.1.0', slot: 'b', back: 'a' } as const;
    await writeSlotState(this.places.state, withHappening(state, { ...facts, ...one }));
  }

  /** A run of the gateway that looks once. */
  async run(): Promise<RootSlots> {
    const roots = this.roots();
    roots.start();
    await roots.stop();
    return roots;
  }

  roots(fails: () => boolean = () => false): RootSlots {
    const append = async (draft: Draft, state: Record<string, string | null> = {}) => {
      if (fails()) throw new Error('the disk is full');
      this.told.push(draft);
      for (const [key, value] of Object.entries(state)) if (value !== null) this.stored[key] = value;
    };
    const { clock, stored, places } = this;
    return new RootSlots({ clock, stored: { ...stored }, places, log: silentLogger, loop: { append } });
  }
}

test('a root that was taken back is told once, and health says it until one is good', async (t) => {
  const device = new Device(t);
  t.deepEqual((await device.run()).health(), { slot: 'a', version: '1.0.0' });
  await device.happens({ what: 'written' });
  await device.happens({ what: 'rolled-back', why: 'it did not come up' });
  const roots = await device.run();
  t.deepEqual(roots.health(), {
    ...{ slot: 'a', version: '1.0.0', failed: '1.1.0', why: 'it did not come up' },
  });
  const base = { atMs: 5, version: '1.1.0', slot: 'b', back: 'a' };
  t.deepEqual(device.told, [
    { type: 'update.root', data: { number: 1, what: 'written', ...base } },
    {
      type: 'update.root',
      data: { number: 2, what: 'rolled-back', ...base, code: 'CW-UPD-080', why: 'it did not come up' },
    },
  ] as unknown as Draft[]);
  await device.run();
  t.is(device.told.length, 2);
  await device.happens({ what: 'written', version: '1.2.0' });
  await device.happens({ what: 'good', version: '1.2.0' });
  t.is((await device.run()).health()?.failed, undefined);
  t.is(device.told.length, 4);
});

test('what could not be stored is told at the next look', async (t) => {
  const device = new Device(t);
  await device.happens({ what: 'written' });
  let full = true;
  const roots = device.roots(() => full);
  roots.start();
  while (device.clock.nextDueUs === undefined) await new Promise((resolve) => setImmediate(resolve));
  t.is(device.told.length, 0);
  full = false;
  device.clock.advance(5_000_000);
  await roots.stop();
  t.is(device.told.length, 1);
});

test('a machine without root slots tells nothing of them', async (t) => {
  const device = new Device(t, 'root=/dev/sda1 quiet');
  await device.happens({ what: 'rolled-back' });
  t.is((await device.run()).health(), undefined);
  t.deepEqual(device.told, []);
});
