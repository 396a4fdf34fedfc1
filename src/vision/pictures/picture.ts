/**
 * An uncompressed picture. `rgb24`: rows of width · 3 bytes; `grey`: rows of width bytes; `yuv420`: planes Y, U, V, the
 * latter two of half the width and height, rounded up. `stride` is the distance of rows in bytes (of the Y plane; U and V
 * have half of it, rounded up), at least what the width needs.
 */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly format: 'rgb24' | 'grey' | 'yuv420';
  readonly stride: number;
  readonly data: Uint8Array;
  /**
   * Of `yuv420`, whose colours are those of BT.601: `limited` (Y 16 … 235, U and V 16 … 240; where left out) or `full`
   * (0 … 255, as in JPEG).
   */
  readonly range?: 'limited' | 'full' | undefined;
}

/** A part of a picture, pixels; parts of pixels are allowed. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}
