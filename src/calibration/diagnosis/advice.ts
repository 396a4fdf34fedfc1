import type { CalibrationCode } from '../errors.ts';

/** What to do about each finding of a diagnosis. */
export const diagnosisAdvice = {
  'CW-CAL-150':
    'Check that the cell’s plug sits in the bridge and that the bridge has power; then swap the cell with its neighbour: the fault that moves with it is the cell’s.',
  'CW-CAL-151': 'Check the cable between bridge and gateway, and that no other program holds the bridge.',
  'CW-CAL-152':
    'Check the rate pin of the converter (RATE to supply: 80, to ground: 10 samples a second) and the rate in the board profile.',
  'CW-CAL-153':
    'Take the load off. If it stays, a wire of the cell is open or shorted: measure the resistance of both pairs (about 350 or 1,000 ohms).',
  'CW-CAL-154': 'Switch the bridge off and on. If it stays, the converter is broken: change it.',
  'CW-CAL-155':
    'Take hands off, keep people off the floor around it, and repeat. If it stays: shield to ground at one end only, connectors, supply of the bridge, motors and lamps nearby.',
  'CW-CAL-156':
    'Leave it alone for ten minutes after switching on or loading and repeat. If it stays: sun, a heater, a wet cell, or a load that touches something.',
  'CW-CAL-157':
    'Lead the cell’s cable away from mains cables and power supplies, connect the shield, and try with the charger unplugged.',
  'CW-CAL-158': 'Move the plug and the cable by hand while watching: where it jumps is the bad contact.',
  'CW-CAL-159':
    'Take hands off and repeat: a floor that shakes moves all cells alike. If it stays on a quiet floor, two cells share a bad supply or ground wire.',
  'CW-CAL-160':
    'Two inputs get one signal: check that each cell has its own plug, and that the profile gives each channel to one cell.',
  'CW-CAL-161': 'Take hands off, close doors, wait until it is still, and repeat.',
  'CW-CAL-162':
    'Press harder, right over the cell. If nothing comes: a signal wire (green or white, mostly) is open, or the plate doesn’t rest on this cell.',
  'CW-CAL-163': 'Swap the two plugs at the bridge, or the two cells in the board profile; then press again.',
  'CW-CAL-164':
    'The signal wires are the other way round than when it was calibrated. Turn them, or calibrate the plate: a negative slope is fine.',
  'CW-CAL-165':
    'Clear the plate. If it is empty, the cell was overloaded and is bent, or the plate lies on something: look, then calibrate its zero, and watch whether it comes back.',
  'CW-CAL-166': 'Press once more with one hand, right over the cell and near nothing else.',
} as const satisfies Partial<Record<CalibrationCode, string>>;

export type DiagnosisCode = keyof typeof diagnosisAdvice;
