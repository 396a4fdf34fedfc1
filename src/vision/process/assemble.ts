import { ChangeFinder } from '../change/compare.ts';
import { LensHealth } from '../change/lens.ts';
import { RegionMotion } from '../change/motion.ts';
import { CodeReader } from '../codes/reader.ts';
import { CodeWatch } from '../codes/watch.ts';
import { pictureOf } from '../pictures/frame.ts';
import type { EyesParts } from './parts.ts';

/** What the vision process looks with. Native parts are loaded when they are first needed. */
export function assembleParts(): EyesParts {
  const reader = new CodeReader();
  const finder = new ChangeFinder();
  return {
    pictureOf,
    watchRegion: () => new RegionMotion(),
    // A camera that plays pictures of files repeats them on purpose.
    watchLens: (driver, memory) =>
      new LensHealth({ repeats: driver === 'files' ? 'allowed' : 'fault', memory }),
    compare: (asked) => finder.compare(asked),
    watchCodes: (camera, purpose, region) => new CodeWatch({ camera, purpose, reader, view: region }),
    close: () => reader.close(),
  };
}
