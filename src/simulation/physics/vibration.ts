import type { Random } from '#base/random.ts';
import { usPerSecond } from '#base/units.ts';

/** Acceleration of the frame in mm/s², beyond gravity: x right, y forward, z up. */
export interface Shaking {
  readonly fromUs: number;
  readonly untilUs: number;
  /** Adds the acceleration at `atUs` to `sum`. */
  add(atUs: number, sum: [number, number, number]): void;
}

/** A blow against the frame: a ring-down of 12–18 Hz in all directions. `strengthMmS2` is the first peak. */
export function knockShaking(atUs: number, strengthMmS2: number, random: Random): Shaking {
  const omega = 2 * Math.PI * (12 + 6 * random.next());
  const tau = 0.06 + 0.06 * random.next();
  const heading = 2 * Math.PI * random.next();
  const across = [Math.cos(heading), Math.sin(heading)] as const;
  return {
    fromUs: atUs,
    untilUs: atUs + Math.round(8 * tau * usPerSecond),
    add(nowUs, sum) {
      const seconds = (nowUs - atUs) / usPerSecond;
      const value = strengthMmS2 * Math.exp(-seconds / tau) * Math.sin(omega * seconds);
      sum[0] += value * across[0];
      sum[1] += value * across[1];
      sum[2] += value * 0.4;
    },
  };
}

/** What a cart rolls over: how far apart its joints are, and how hard they and the ground between them shake it. */
export const floors = {
  tiles: { jointMm: 400, jolt: 1, rumble: 1 },
  /** Cobbles of a yard, or the grooved strip before an entrance. */
  rough: { jointMm: 110, jolt: 1.5, rumble: 2.5 },
} as const;
export type Floor = keyof typeof floors;

/**
 * A cart that rolls over a floor: a jolt at every joint, rumble of the wheels in between, both growing with speed, and
 * the push and the stop at the ends.
 */
export function rollingShaking(
  fromUs: number,
  seconds: number,
  speedMmS: number,
  random: Random,
  floor: Floor = 'tiles',
): Shaking {
  const { jointMm, jolt: hardness, rumble: roughness } = floors[floor];
  const untilUs = fromUs + Math.round(seconds * usPerSecond);
  const rumble = Array.from({ length: 9 }, () => ({
    omega: 2 * Math.PI * (5 + 33 * random.next()),
    phase: 2 * Math.PI * random.next(),
    z: 0.25 * roughness * speedMmS * (0.5 + random.next()),
    x: 0.15 * roughness * speedMmS * random.gaussian(),
  }));
  const joints = jointTimes(fromUs, untilUs, (jointMm / speedMmS) * usPerSecond, random);
  const startS = 0.45;
  const push = speedMmS / startS;
  return {
    fromUs,
    untilUs,
    add(nowUs, sum) {
      const since = (nowUs - fromUs) / usPerSecond;
      const left = (untilUs - nowUs) / usPerSecond;
      const envelope = Math.max(0, Math.min(1, since / startS, left / startS));
      let z = 0;
      let x = 0;
      for (const part of rumble) {
        const wave = Math.sin(part.omega * since + part.phase);
        z += part.z * wave;
        x += part.x * wave;
      }
      const jolt = hardness * joltAt(joints, nowUs, speedMmS);
      sum[0] += x * envelope;
      sum[1] += since < startS ? push : left < startS ? -push : 0.3 * jolt * envelope;
      sum[2] += (z + jolt) * envelope;
    },
  };
}

interface Joint {
  readonly atUs: number;
  readonly strength: number;
  readonly omega: number;
}

function jointTimes(fromUs: number, untilUs: number, periodUs: number, random: Random): Joint[] {
  const joints: Joint[] = [];
  let atUs = fromUs + random.next() * periodUs;
  while (atUs < untilUs) {
    joints.push({
      atUs: Math.round(atUs),
      strength: 1.2 + 1.6 * random.next(),
      omega: 2 * Math.PI * (13 + 5 * random.next()),
    });
    // Two axles cross each joint; wheelbase and tile differ, so jolts come in uneven pairs.
    atUs += periodUs * (0.35 + 0.4 * random.next());
  }
  return joints;
}

function joltAt(joints: readonly Joint[], nowUs: number, speedMmS: number): number {
  let sum = 0;
  for (const joint of joints) {
    if (joint.atUs > nowUs) break;
    const seconds = (nowUs - joint.atUs) / usPerSecond;
    if (seconds > 0.4) continue;
    sum += joint.strength * speedMmS * Math.exp(-seconds / 0.05) * Math.sin(joint.omega * seconds);
  }
  return sum;
}

/** Acceleration of a minimum-jerk motion over a distance of 1 in a time of 1: d²/dx² of 10x³ − 15x⁴ + 6x⁵. */
function jerkless(x: number): number {
  return x <= 0 || x >= 1 ? 0 : 60 * x - 180 * x * x + 120 * x * x * x;
}

/**
 * A cart that is lifted off the floor by hand (over a kerb, into a van), held for a while and set down: up and down in
 * minimum-jerk motions (Flash & Hogan 1985), held with the tremor of loaded arms (8–12 Hz), and the shock of landing.
 */
export function liftingShaking(fromUs: number, seconds: number, heightMm: number, random: Random): Shaking {
  const riseS = 0.6 + 0.4 * random.next();
  const sinkS = 0.5 + 0.3 * random.next();
  const heldS = riseS + seconds;
  const landUs = fromUs + Math.round((heldS + sinkS) * usPerSecond);
  const tremor = { omega: 2 * Math.PI * (8 + 4 * random.next()), mmS2: 60 + 90 * random.next() };
  const sway = { omega: 2 * Math.PI * (0.8 + 0.6 * random.next()), mmS2: 150 + 150 * random.next() };
  const landing = knockShaking(landUs, 1_500 + 2_500 * random.next(), random);
  return {
    fromUs,
    untilUs: landing.untilUs,
    add(nowUs, sum) {
      if (nowUs >= landUs) {
        landing.add(nowUs, sum);
        return;
      }
      const since = (nowUs - fromUs) / usPerSecond;
      const up = jerkless(since / riseS) / (riseS * riseS);
      const down = jerkless((since - heldS) / sinkS) / (sinkS * sinkS);
      sum[0] += sway.mmS2 * Math.sin(sway.omega * since);
      sum[2] += heightMm * (up - down) + tremor.mmS2 * Math.sin(tremor.omega * since);
    },
  };
}
