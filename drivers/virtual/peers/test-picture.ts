/**
 * A JPEG by its markers only: header, a frame header with that size, one scan whose data is noise, end. No decoder finds a
 * picture in it; drivers, which look at markers alone, do.
 */
export function jpegMarkers(width: number, height: number, seed: number, scanBytes = 200): Uint8Array {
  const scan = Uint8Array.from({ length: scanBytes }, (_, i) => (seed * 31 + i * 17) & 0x7f);
  return Uint8Array.of(
    ...[0xff, 0xd8],
    ...[0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0],
    ...[0xff, 0xc0, 0, 11, 8, height >> 8, height & 0xff, width >> 8, width & 0xff, 1, 1, 0x11, 0],
    ...[0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0],
    ...scan,
    ...[0xff, 0xd9],
  );
}
