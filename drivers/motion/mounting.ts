import { z } from 'zod';

const axisNames = ['x', '-x', 'y', '-y', 'z', '-z'] as const;
export type AxisName = (typeof axisNames)[number];
export type Axes = readonly [right: AxisName, forward: AxisName, up: AxisName];
export type Vector = readonly [x: number, y: number, z: number];

/** The option by which a technician says how the sensor sits on the cart. */
export const axesOption = z
  .tuple([z.enum(axisNames), z.enum(axisNames), z.enum(axisNames)])
  .refine((axes) => new Set(axes.map((axis) => axis.slice(-1))).size === 3, 'must name x, y and z once each')
  .default(['x', 'y', 'z'])
  .describe(
    "Which of the sensor's axes points right, forward and up on the cart, a minus for the opposite: ['x', 'y', 'z'] is the chip lying flat, its y forward.",
  );

/** Turns what the sensor feels along its own axes into right, forward, up. */
export function mounted(axes: Axes, own: Vector): Vector {
  return [along(axes[0], own), along(axes[1], own), along(axes[2], own)];
}

/** The axis of the sensor that points up, going by gravity `own` (which a sensor at rest feels upwards). */
export function upwards(own: Vector): AxisName {
  const [x, y, z] = own.map(Math.abs) as [number, number, number];
  if (z >= x && z >= y) return own[2] < 0 ? '-z' : 'z';
  if (y >= x) return own[1] < 0 ? '-y' : 'y';
  return own[0] < 0 ? '-x' : 'x';
}

function along(axis: AxisName, [x, y, z]: Vector): number {
  switch (axis) {
    case 'x':
      return x;
    case '-x':
      return -x;
    case 'y':
      return y;
    case '-y':
      return -y;
    case 'z':
      return z;
    case '-z':
      return -z;
  }
}
