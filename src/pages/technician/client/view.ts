import type { Child } from '../../client/dom.ts';
import type { Answer, Broker, Heard, Link } from './broker.ts';
import type { Fleet } from './fleet.ts';
import type { OwnKey } from './keys.ts';
import type { Leases } from './leases.ts';

/** What the console told the page. */
export interface Settings {
  readonly store: string;
  readonly broker: string;
  readonly software: string;
  /** Keys are enrolled at once; otherwise requested. */
  readonly direct: boolean;
}

/** What views need of the page that shows them. */
export interface Desk {
  readonly settings: Settings;
  readonly broker: Broker;
  readonly fleet: Fleet;
  readonly key: OwnKey | undefined;
  readonly leases: Leases;
  /** Shows what has changed, soon. */
  draw(): void;
  /** Tells something in the line at the bottom, which screen readers speak. */
  tell(text: string, kind?: 'good' | 'bad'): void;
  /** Asks a device, and tells a refusal. */
  ask(
    device: string,
    command: string,
    args?: Readonly<Record<string, unknown>>,
    withinMs?: number,
  ): Promise<Answer>;
}

/** One screen, or one tab of a screen. */
export interface View {
  readonly title: string;
  draw(): Child;
  /** Something with `data-act` was touched. */
  act?(name: string, target: HTMLElement): void | Promise<void>;
  submit?(name: string, form: FormData): void | Promise<void>;
  changed?(name: string, value: string): void;
  heard?(heard: Heard): void;
  link?(link: Link): void;
  close?(): void;
}
