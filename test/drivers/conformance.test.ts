import test from 'ava';
import { z } from 'zod';
import { silentLogger } from '#base/log.ts';
import type { Device, Driver } from '#drivers/driver.ts';
import { listDrivers } from '#drivers/registry.ts';
import type { MakeBench } from '#drivers/virtual/bench.ts';
import { type BenchKit, benchKit } from '#drivers/virtual/benches.ts';
import { benchOf, verifyDriver } from '#drivers/workbench.ts';

const example = (await import(new URL('../../docs/examples/acme-scanner.mjs', import.meta.url).href)) as {
  readonly default: (zod: typeof z) => Driver;
  readonly bench: (kit: BenchKit) => MakeBench;
};
const acme = example.default(z);
const acmeBench = example.bench(benchKit);

/** The sentences of the checks that a driver fails. */
async function failures(driver: Driver, makeBench = acmeBench): Promise<string[]> {
  const results = await verifyDriver(driver, makeBench, silentLogger);
  return results.filter(({ passed }) => !passed).map(({ check, finding }) => `${check}: ${finding}`);
}

/** The documented example with one thing wrong. */
function spoilt(change: (device: Device) => Partial<Device>): Driver {
  return {
    ...acme,
    open: async (options, context) => {
      const device = await acme.open(options, context);
      return { ...device, ...change(device) };
    },
  };
}

test('the driver of the documents passes every check', async (t) => {
  t.deepEqual(await failures(acme), []);
});

const wrong: readonly [what: string, driver: Driver, check: RegExp][] = [
  [
    'passes options that it does not know',
    { ...acme, options: { safeParse: (data) => ({ success: true, data }) } },
    /^refuses an option that it does not know: the key noSuchOption passed/,
  ],
  [
    'says nothing of the device',
    spoilt(() => ({ identity: {} })),
    /^says who the device is: identity is empty/,
  ],
  [
    'keeps its port when stopped',
    spoilt(() => ({ stop: async () => {} })),
    /^leaves nothing behind .*: (?:1 ports are still open|readings came) after stop/,
  ],
  [
    'gives times of the wall clock',
    spoilt((device) => ({
      start: (sink) => device.start((reading) => sink({ ...reading, atUs: 1_700_000_000_000_000 })),
    })),
    /^delivers readings .*: a time stamp lies \d+ µs ahead/,
  ],
  [
    'gives times with fractions',
    spoilt((device) => ({
      start: (sink) => device.start((reading) => sink({ ...reading, atUs: 1e6 + 0.5 })),
    })),
    /^delivers readings .*: atUs is 1000000.5, not whole microseconds/,
  ],
  [
    'delivers readings of another kind',
    spoilt((device) => ({
      start: (sink) =>
        device.start(({ source, atUs }) => sink({ kind: 'temperature', source, atUs, milliCelsius: 20_000 })),
    })),
    /^delivers readings .*: a scanner device delivered a reading of kind temperature/,
  ],
  [
    'keeps an unplug to itself',
    spoilt(() => ({ faults: { subscribe: () => () => {} } })),
    /^says once that it was unplugged, within a second: no fault "disconnected" came/,
  ],
  [
    'tells an unplug twice',
    spoilt((device) => ({
      faults: {
        subscribe: (listener) =>
          device.faults.subscribe((fault) => {
            listener(fault);
            listener(fault);
          }),
      },
    })),
    /^says once that it was unplugged, within a second: "disconnected" was told 2 times/,
  ],
  [
    'opens what is not there',
    {
      ...acme,
      open: async (options, context) => {
        try {
          return await acme.open(options, context);
        } catch {
          return {
            identity: { model: 'ghost' },
            faults: { subscribe: () => () => {} },
            start: async () => {},
            stop: async () => {},
          };
        }
      },
    },
    /^refuses with a code to open what is not attached: it opened and started/,
  ],
  [
    'answers calls that it does not know',
    spoilt(() => ({ call: async () => ({}) })),
    /^refuses a call that it does not know: an unknown call was not refused/,
  ],
  [
    'leaves a timer',
    {
      ...acme,
      open: async (options, context) => {
        context.clock.after(60_000_000, () => {});
        return acme.open(options, context);
      },
    },
    /^leaves nothing behind .*: 1 timers still wait after stop/,
  ],
  [
    'hangs while it opens',
    { ...acme, open: (_options, { clock }) => new Promise(() => clock.after(60_000_000, () => {})) },
    /^says who the device is: open had not come to an end after 10 s/,
  ],
];

for (const [what, driver, check] of wrong) {
  test(`a driver that ${what} is found out`, async (t) => {
    const found = await failures(driver);
    t.true(
      found.some((finding) => check.test(finding)),
      found.join('\n'),
    );
  });
}

test('a trouble that a driver does not tell, or does not clear, is found out', async (t) => {
  let tell: ((cleared: boolean) => void) | undefined;
  const troubled: MakeBench = async (clock, seed) => ({
    ...(await acmeBench(clock, seed)),
    troubles: [
      { name: 'lens covered', fault: 'saturated', begin: () => tell?.(false), end: () => tell?.(true) },
    ],
  });
  const telling = (also: 'both' | 'begin' | 'none') =>
    spoilt((device) => ({
      faults: {
        subscribe: (listener) => {
          tell = (cleared) => {
            if (also === 'none' || (also === 'begin' && cleared)) return;
            listener({ fault: 'saturated', code: 'CW-DRV-015', message: 'wipe the lens', cleared });
          };
          return device.faults.subscribe(listener);
        },
      },
    }));
  t.deepEqual(await failures(telling('both'), troubled), []);
  t.regex(
    (await failures(telling('begin'), troubled)).join(),
    /"saturated" was not cleared within three seconds/,
  );
  t.regex(
    (await failures(telling('none'), troubled)).join(),
    /no fault "saturated" came within a second; came: none/,
  );
});

for (const driver of await listDrivers()) {
  if (driver.name.startsWith('virtual-')) continue;
  test(`${driver.name} keeps the driver contract on its bench`, async (t) => {
    t.timeout(120_000);
    const makeBench = await benchOf(driver.name);
    if (makeBench === undefined) return t.fail(`drivers/virtual/benches/${driver.name}.ts is missing`);
    t.deepEqual(await failures(driver, makeBench), []);
  });
}
