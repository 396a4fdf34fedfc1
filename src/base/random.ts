/** A seeded source of random numbers: the same seed gives the same run, on every machine. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Normal deviate with mean 0 and standard deviation 1. */
  gaussian(): number;
  /** Uniform integer in [0, below). */
  integer(below: number): number;
  /** An independent stream named `label`: adding draws to one part of a simulation doesn't shift another. */
  fork(label: string): Random;
}

/** FNV-1a, 32 bits, of the text's UTF-16 units: a label's share of a forked seed, a device's share of several addresses. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Mulberry32 (T. Ettinger, public domain) for uniform draws; Marsaglia's polar method for normal ones. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  let spare: number | undefined;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    next,
    gaussian() {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      for (;;) {
        const u = 2 * next() - 1;
        const v = 2 * next() - 1;
        const s = u * u + v * v;
        if (s === 0 || s >= 1) continue;
        const factor = Math.sqrt((-2 * Math.log(s)) / s);
        spare = v * factor;
        return u * factor;
      }
    },
    integer: (below) => Math.floor(next() * below),
    fork: (label) => createRandom((hash32(label) ^ Math.imul(seed >>> 0, 0x9e3779b1)) >>> 0),
  };
}
