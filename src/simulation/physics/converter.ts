/** HX711, channel A, gain 128, 5 V: full scale ±½ · 5 V / 128 = ±19.53 mV as signed 24-bit codes (datasheet, p. 1–4). */
export const excitationVolts = 5;
export const countsPerVolt = (2 ** 23 * 128) / (excitationVolts / 2);
export const maximumCode = 0x7fffff;
export const minimumCode = -0x800000;

/** The code that the converter gives for a bridge voltage; beyond full scale it saturates. */
export function convert(volts: number): number {
  return Math.max(minimumCode, Math.min(maximumCode, Math.round(volts * countsPerVolt)));
}

/**
 * Input noise, V rms: 50 nV at 10 and 90 nV at 80 samples/s (datasheet, "typical characteristics"), between and
 * beyond by the power law through both points.
 */
export function inputNoiseVolts(samplesPerSecond: number): number {
  return 50e-9 * (samplesPerSecond / 10) ** (Math.log(90 / 50) / Math.log(8));
}
