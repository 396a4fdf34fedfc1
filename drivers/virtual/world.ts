import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { loadScenarioFiles } from '#simulation/files.ts';
import { loadScenario } from '#simulation/scenario.ts';
import { type Device, type Driver, type DriverContext, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { FaultBus } from '../fault-bus.ts';
import { findFile } from '../ports/find-file.ts';
import { serveHands } from './hands.ts';
import { LiveWorld, type WorldAnchor } from './live-world.ts';
import { serveShowing } from './showing-line.ts';

const options = z.strictObject({
  scenario: z.string().describe('Scenario file, from the working directory or else the installation.'),
  seed: z.number().int().nonnegative().optional().describe("Seed of the trip; else the scenario's own."),
  hardwareSeed: z.number().int().nonnegative().optional().describe('Seed of the pieces of hardware.'),
  speed: z.number().positive().max(100).default(1).describe('World seconds in a second.'),
  loop: z
    .boolean()
    .default(false)
    .describe('After a trip, empty the plates and begin the next, with seed + 1.'),
  startOn: z
    .enum(['open', 'first-start', 'call'])
    .default('first-start')
    .describe('When the scenario begins: on opening, when the first device starts, or by the call `play`.'),
  anchor: z
    .string()
    .optional()
    .describe('File that keeps when the world began: a gateway that restarts finds the world going on.'),
  name: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .optional()
    .describe('Name under which virtual cameras, which live in a process of their own, find this world.'),
  hands: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .optional()
    .describe('Name under which `scripts/virtual-hands` puts test weights on the plates of this world.'),
  tickMs: z.number().int().min(1).max(1000).default(20).describe('How often readings are delivered, ms.'),
});
type Options = z.infer<typeof options>;

/** A device that other virtual devices are reached through. */
export interface WorldDevice extends Device {
  readonly world: LiveWorld;
  /** A device of this world has started. */
  started(): Promise<void>;
}

/**
 * The physical world that a profile's virtual devices measure. Calls: `status` answers with the progress
 * (`WorldProgress`), `play` begins the scenario where `startOn` is `call`.
 */
export const virtualWorld: Driver<Options> = {
  contract: driverContract,
  name: 'virtual-world',
  kind: 'bus',
  options,
  async open(chosen, context) {
    const scenario = await loadScenario(findFile(chosen.scenario));
    const files = await loadScenarioFiles(scenario);
    const world = new LiveWorld(
      {
        scenario,
        files,
        seed: chosen.seed ?? scenario.seed,
        hardwareSeed: chosen.hardwareSeed,
        speed: chosen.speed,
        loop: chosen.loop,
        tickUs: chosen.tickMs * 1_000,
      },
      context.clock,
    );
    const anchor = chosen.anchor === undefined ? undefined : await readAnchor(chosen.anchor);
    const resumed = anchor !== undefined && world.resume(anchor);
    if (!resumed && chosen.startOn === 'open') await play(world, chosen.anchor);
    const unserve =
      chosen.name === undefined ? () => {} : await serveShowing(chosen.name, world, context.log);
    const unhand = chosen.hands === undefined ? () => {} : await serveHands(chosen.hands, world, context.log);
    return worldDevice(world, chosen, context, () => {
      unserve();
      unhand();
    });
  },
};

function worldDevice(
  world: LiveWorld,
  chosen: Options,
  context: DriverContext,
  unserve: () => void,
): WorldDevice {
  return {
    identity: {
      vendor: 'Cartwright',
      model: 'virtual world',
      serial: `seed-${chosen.seed ?? 'of-scenario'}`,
    },
    faults: new FaultBus((error) => context.log.error({ error }, 'a fault listener threw')),
    world,
    started: async () => {
      if (chosen.startOn === 'first-start') await play(world, chosen.anchor);
      else world.run();
    },
    start: async () => {},
    stop: async () => {
      unserve();
      world.stop();
    },
    call: async (action) => {
      if (action === 'play') await play(world, chosen.anchor);
      else if (action !== 'status') throw unknownCall('virtual-world', action, ['status', 'play']);
      return world.progress();
    },
  };
}

/** Begins the scenario, once, and notes when. */
async function play(world: LiveWorld, file: string | undefined): Promise<void> {
  if (world.anchor() !== undefined) return;
  world.play();
  if (file !== undefined) await writeFileAtomic(file, `${JSON.stringify(world.anchor())}\n`);
}

const anchorSchema = z.object({
  scenario: z.string(),
  seed: z.number(),
  startedAtUs: z.number(),
  originUs: z.number(),
});

/** A file that is missing or torn means that no world is going on. */
async function readAnchor(file: string): Promise<WorldAnchor | undefined> {
  try {
    return anchorSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/** The world that a virtual device belongs to. Throws CW-DRV-004. */
export function findWorld(id: string, context: DriverContext): WorldDevice {
  const device = context.buses.get(id);
  if (device !== undefined && 'world' in device && device.world instanceof LiveWorld) {
    return device as WorldDevice;
  }
  throw new DriverError(
    'CW-DRV-004',
    `${context.id} looks for the virtual world ${id}, but ${device === undefined ? 'no such device is open' : 'that device is none'}; list it with driver virtual-world before ${context.id} in the profile`,
  );
}

export function unknownCall(driver: string, action: string, known: readonly string[]): DriverError {
  return new DriverError('CW-DRV-009', `${driver} can not do ${action}; it knows ${known.join(', ')}`);
}
