import { CameraWord } from './camera-word.ts';
import { type Engine, type Evidence, PipelineEngine, type Shop } from './engines.ts';
import { NaiveEngine } from './naive.ts';

interface Contender {
  readonly about: string;
  /** Whether cameras say anything. */
  readonly cameras: boolean;
  make(shop: Shop, timed?: boolean): Engine;
}

const withOnly = (about: string, evidence: Evidence): Contender => ({
  about,
  cameras: evidence.looks,
  make: (shop, timed) => new PipelineEngine(shop, evidence, timed),
});

const camera = (about: string, scans: boolean): Contender => ({
  about,
  cameras: true,
  make: (shop) => new CameraWord(shop, scans),
});

/** Everything that decides on the same trips. */
export const contenders = {
  ours: withOnly('the gateway with scans, mass and cameras', { scans: true, mass: true, looks: true }),
  naive: {
    about: 'last scan and nearest mass, no hypotheses, no questions',
    cameras: false,
    make: (shop: Shop) => new NaiveEngine(shop),
  },
  scan: withOnly('scans alone', { scans: true, mass: false, looks: false }),
  mass: withOnly('mass alone', { scans: false, mass: true, looks: false }),
  vision: camera('cameras alone, taken at their word', false),
  'scan+mass': withOnly('scans and mass', { scans: true, mass: true, looks: false }),
  'mass+vision': withOnly('mass and cameras', { scans: false, mass: true, looks: true }),
  'scan+vision': camera('scans and cameras, taken at their word', true),
} as const satisfies Record<string, Contender>;

export type ContenderName = keyof typeof contenders;
export const contenderNames = Object.keys(contenders) as ContenderName[];
