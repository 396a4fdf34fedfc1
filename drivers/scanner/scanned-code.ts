/** One decoded code as a scanner delivered it: the very bytes, GS (0x1D) included. */
export interface ScannedCode {
  readonly data: Uint8Array;
  /** AIM identifier with its bracket (`]E0`); `]X0` where nothing says what the code is. */
  readonly symbology: string;
}

/** The longest code that is put together: beyond any retail symbology (QR: 2,953 bytes), so that memory stays bounded. */
export const longestCode = 4_096;
