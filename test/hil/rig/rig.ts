import type { Finished, GuestProcess, RunOptions } from '../machine/agent.ts';

/** A device of the board under test. */
export interface RigDevice {
  readonly id: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** What a test asks of whoever stands at the hardware: the virtual machine's kernel, or a person. */
export interface Hands {
  /** Shows a code to a scanner; answers with what was shown, undefined where it may be any code. */
  scan(id: string, text: string): Promise<string | undefined>;
  /** Puts so much on a scale; answers with the mass that must show, undefined where it may be any. */
  load(id: string, massMg: number): Promise<number | undefined>;
  pull(id: string): Promise<void>;
  putBack(id: string): Promise<void>;
  /** Puts it back at another port than the one it was pulled from. */
  putBackElsewhere(id: string): Promise<void>;
}

/** The hardware that tests run on, and the computer that it is attached to. */
export interface Rig {
  readonly name: string;
  readonly devices: readonly RigDevice[];
  /** The board profile, as a path on that computer. */
  readonly board: string;
  /** The repository there. */
  readonly project: string;
  /** One of our programs there. */
  program(name: 'main' | 'attached' | 'open' | 'supervised'): string;
  /** The broker's address as seen from there. */
  readonly brokerUrl: string;
  /** An empty folder there, writable by everybody. */
  readonly folder: string;
  /** As whom the gateway runs there. */
  readonly gatewayUser: RunOptions;
  readonly hands: Hands;
  /** How much longer everything takes than on real hardware. */
  readonly patience: number;
  start(argv: readonly string[], options?: RunOptions): Promise<GuestProcess>;
  run(argv: readonly string[], options?: RunOptions): Promise<Finished>;
  sh(script: string, options?: RunOptions): Promise<string>;
  stop(): Promise<void>;
}
