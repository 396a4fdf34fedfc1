import type { Driver } from '#drivers/driver.ts';

/** Reads lines `CELL COUNTS SEQUENCE` out of chunks, wherever they are cut. */
export class LineReader {
  read(
    chunk: Uint8Array,
    length: number,
    take: (cell: number, counts: number, sequence: number) => void,
  ): void;
}

declare const driver: Driver<{ port: number; cells: string[] }>;
export default driver;
