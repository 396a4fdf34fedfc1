import type { FrameReading } from './readings.ts';

/** Bytes of a frame; of one that is not put together yet, too. */
export function frameBytes(frame: FrameReading): number {
  return frame.assembly?.bytes ?? frame.data.length;
}

/** Copies a frame that is lent to where it is kept: once, however its driver has it. `target` has `frameBytes` bytes. */
export function copyFrame(frame: FrameReading, target: Uint8Array): void {
  if (frame.assembly === undefined) target.set(frame.data);
  else frame.assembly.copyTo(target);
}
