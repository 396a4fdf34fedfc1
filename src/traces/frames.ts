import { isCoded } from '#base/errors.ts';
import { readPicture } from '#vision/pictures/decode.ts';
import { besideTrace } from './beside.ts';
import { TraceError } from './errors.ts';
import type { FrameLine } from './format.ts';
import type { TakenFrame } from './looking.ts';

/**
 * A frame that a trace names, for being looked at. What is missing, damaged or elsewhere is told with CW-TRC-010 and left
 * out.
 */
export function frameOfTrace(
  tracePath: string,
  { source, t, frame }: FrameLine,
  originUs: number,
  tell: (error: TraceError) => void,
): TakenFrame {
  const atUs = originUs + t;
  return {
    source,
    atUs,
    async read() {
      try {
        const picture = await readPicture(besideTrace(tracePath, 'frame', frame));
        const { width, height, data, format } = picture;
        return { kind: 'frame', source, atUs, width, height, data, format };
      } catch (cause) {
        const why = isCoded(cause) ? `${cause.code} ${cause.message}` : String(cause);
        tell(
          new TraceError('CW-TRC-010', `the frame ${JSON.stringify(frame)} is left out: ${why}`, { cause }),
        );
        return undefined;
      }
    },
  };
}
