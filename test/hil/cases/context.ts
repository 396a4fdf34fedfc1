import type { TestFn } from 'ava';
import type { GatewayUnderTest } from '../rig/gateway.ts';
import type { Rig, RigDevice } from '../rig/rig.ts';
import type { VirtualRig } from '../rig/virtual.ts';

/** What the tests on one rig share, as far as earlier ones have made it. */
export interface Context {
  rig: Rig;
  /** The same rig where it is the virtual machine: tests that need its far side run there only. */
  machine: VirtualRig;
  brokerUrl: string;
  gateway: GatewayUnderTest;
}

/** What is known of the rig before anything is started: it decides which tests there are. */
export interface Plan {
  readonly scanners: readonly RigDevice[];
  /** With the plate that each carries. */
  readonly scales: readonly (RigDevice & { readonly plate: string })[];
  readonly devices: readonly RigDevice[];
  /** Tests of one device: skipped by name where it is not attached, or where nobody is there to handle it. */
  forDevice(id: string, hands: boolean): TestFn<Context>;
  /** Tests that need the virtual machine. */
  readonly inMachine: TestFn<Context>;
  /**
   * The same where its processor is real, or where slowness is to be borne: an emulated one takes half a minute for what
   * a real one does in a second. Undefined elsewhere: such tests are left to the soak.
   */
  readonly inFastMachine: TestFn<Context> | undefined;
  /** Tests that need all devices handled. */
  readonly withHands: TestFn<Context>;
  readonly everywhere: TestFn<Context>;
}

const scannerDrivers = ['hid-pos-scanner', 'evdev-keyboard', 'serial-scanner', 'ssi-scanner'];
const scaleDrivers = ['hid-scale', 'toledo-8217', 'mt-sics', 'scp-01', 'cas'];

export interface PlannedBoard {
  readonly devices: readonly RigDevice[];
  readonly plates: readonly { readonly id: string; readonly scale?: string | undefined }[];
}

interface PlannedRig {
  /** Ids of what is not attached. */
  readonly missing: ReadonlySet<string>;
  /** Somebody, or the machine, handles it. */
  readonly hands: boolean;
  readonly virtual: boolean;
  /** Its processor is not emulated, or that is to be borne. */
  readonly fast: boolean;
}

/** The plan of a board. */
export function planOf(
  test: TestFn<Context>,
  board: PlannedBoard,
  { missing, hands, virtual, fast }: PlannedRig,
): Plan {
  const noHands = 'nobody is there to handle it: set HIL_HANDS=1 where you are';
  const inMachine = virtual ? test : skipping(test, 'in the virtual machine only');
  const attached = board.devices.filter(({ id }) => !missing.has(id));
  return {
    scanners: board.devices.filter(({ driver }) => scannerDrivers.includes(driver)),
    scales: board.devices
      .filter(({ driver }) => scaleDrivers.includes(driver))
      .flatMap((device) => {
        const plate = board.plates.find(({ scale }) => scale === device.id);
        return plate === undefined ? [] : [{ ...device, plate: plate.id }];
      }),
    devices: attached,
    forDevice: (id, needsHands) => {
      if (missing.has(id)) return skipping(test, `${id} is not attached`);
      return needsHands && !hands ? skipping(test, noHands) : test;
    },
    inMachine,
    inFastMachine: fast ? inMachine : undefined,
    withHands: hands ? test : skipping(test, noHands),
    everywhere: test,
  };
}

/** AVA's `test` that skips, and says why in the title. */
function skipping(test: TestFn<Context>, why: string): TestFn<Context> {
  const skip = (title: string, ...rest: unknown[]) =>
    (test.skip as (...args: unknown[]) => void)(`${title} [${why}]`, ...rest);
  return Object.assign(skip, test, { serial: skip }) as unknown as TestFn<Context>;
}

/** Limit of a test in the emulated machine, ms: a safeguard, not a measure. */
export const limitMs = 600_000;
