import type { Random } from '#base/random.ts';
import { usPerMs } from '#base/units.ts';

/** A blow onto the plate: the speed of what hits it over gravity, s (times the mass it is a change of momentum). */
export interface Impact {
  readonly afterUs: number;
  readonly seconds: number;
}

/** How the load of one thing comes onto or leaves a plate: the part of its mass that the plate carries over time. */
export interface Handling {
  /** When the hand lets go (putting) or the thing leaves the plate (lifting), µs from the first touch. */
  readonly releaseUs: number;
  /** When the part no longer changes, µs from the first touch. */
  readonly endUs: number;
  /** Part of the mass carried `sinceUs` after the first touch: 0 … 1 in the end. */
  part(sinceUs: number): number;
  readonly impacts: readonly Impact[];
}

export const puttingWays = ['place', 'lower', 'drop', 'toss'] as const;
export type Putting = (typeof puttingWays)[number];

const gravityMmS2 = 9_806.65;

/** Part that rises smoothly from 0 to 1: minimum-jerk motion of a hand (Flash & Hogan 1985). */
function smooth(x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  return x * x * x * (10 - 15 * x + 6 * x * x);
}

/**
 * One way of putting a thing down: `place` sets it down in about 0.3 s, `lower` takes 1.5–3 s, `drop` lets it fall
 * some 3 cm, `toss` 12 cm.
 */
export function putDown(how: Putting, random: Random): Handling {
  switch (how) {
    case 'place':
      return setDown((220 + 180 * random.next()) * usPerMs, 1 + 3 * random.next());
    case 'lower':
      return setDown((1_500 + 1_500 * random.next()) * usPerMs, 0);
    case 'drop':
      return fall(20 + 20 * random.next(), 0.15 + 0.15 * random.next());
    case 'toss':
      return fall(80 + 80 * random.next(), 0.2 + 0.2 * random.next());
  }
}

/** Set down by hand over `durationUs`; the first touch falls the last `dropMm`, softened by the hand. */
function setDown(durationUs: number, dropMm: number): Handling {
  const duration = Math.round(durationUs);
  // A hand still carries nearly all of the thing when it touches: a tenth of it hits the plate.
  const impact = (0.1 * Math.sqrt(2 * gravityMmS2 * dropMm)) / gravityMmS2;
  return {
    releaseUs: duration,
    endUs: duration,
    part: (sinceUs) => smooth(sinceUs / duration),
    impacts: dropMm === 0 ? [] : [{ afterUs: 0, seconds: impact }],
  };
}

/** Falls `heightMm` freely and bounces with restitution `bounce` until the hops are too low to feel. */
function fall(heightMm: number, bounce: number): Handling {
  const contactUs = 12 * usPerMs;
  const impacts: Impact[] = [];
  const hops: { fromUs: number; toUs: number }[] = [];
  let speed = Math.sqrt(2 * gravityMmS2 * heightMm);
  let at = 0;
  while (speed > 40) {
    impacts.push({ afterUs: Math.round(at), seconds: (speed / gravityMmS2) * (1 + bounce) * 0.5 });
    speed *= bounce;
    const flight = ((2 * speed) / gravityMmS2) * 1e6;
    hops.push({ fromUs: at + contactUs, toUs: at + contactUs + flight });
    at += contactUs + flight;
  }
  return {
    releaseUs: 0,
    endUs: Math.ceil(at),
    part: (sinceUs) =>
      sinceUs < 0 || hops.some((hop) => sinceUs >= hop.fromUs && sinceUs < hop.toUs) ? 0 : 1,
    impacts,
  };
}

/** A hand grips a thing, presses it down a little and lifts it off: the part of the mass that has been taken away. */
export function liftOff(random: Random): Handling {
  const gripUs = Math.round((90 + 80 * random.next()) * usPerMs);
  const liftUs = Math.round((160 + 160 * random.next()) * usPerMs);
  const press = 0.02 + 0.06 * random.next();
  return {
    releaseUs: gripUs + liftUs,
    endUs: gripUs + liftUs,
    part: (sinceUs) =>
      sinceUs < gripUs
        ? -press * Math.sin((Math.PI * Math.max(0, sinceUs)) / gripUs)
        : smooth((sinceUs - gripUs) / liftUs),
    impacts: [],
  };
}

/**
 * Part of a thing's weight that the plate carries while its top rests on the rim of the frame, `degrees` from upright. A
 * uniform body on a smooth rim: moments about its foot give the rim N = ½·m·g·sin α at right angles to it, of which
 * N·sin α points up.
 */
export function partOnPlate(degrees: number): number {
  return 1 - 0.5 * Math.sin((degrees * Math.PI) / 180) ** 2;
}

/** What leant on the rim slides down and falls flat: the rest of its weight comes onto the plate. */
export function slideDown(random: Random): Handling {
  const slideUs = Math.round((160 + 200 * random.next()) * usPerMs);
  return {
    releaseUs: slideUs,
    endUs: slideUs,
    part: (sinceUs) => smooth(sinceUs / slideUs),
    // The top falls some centimetres while the foot stays where it is.
    impacts: [{ afterUs: slideUs, seconds: 0.5 * Math.sqrt((2 * (10 + 20 * random.next())) / gravityMmS2) }],
  };
}
