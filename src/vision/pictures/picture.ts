/**
 * An uncompressed picture. `rgb24`: rows of width · 3 bytes; `grey`: rows of width bytes; `yuv420`: planes Y, U, V, the
 * latter two of half the width and height, rounded up. `stride` is the distance of rows in bytes (of the Y plane; U and V
 * have half of it), at least what the width needs.
 */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly format: 'rgb24' | 'grey' | 'yuv420';
  readonly stride: number;
  readonly data: Uint8Array;
}

/** A part of a picture, pixels. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}
