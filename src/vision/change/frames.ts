/** A frame that was looked at: whether something moved since the one before it. */
export interface SeenFrame {
  readonly atUs: number;
  readonly moving: boolean;
}

/** Places in a list of frames. The neighbours are those by which a hand is told from a thing. */
interface ChosenFrames {
  readonly before: number | undefined;
  readonly after: number | undefined;
  readonly beforeThat: number | undefined;
  readonly afterThat: number | undefined;
  /** False while a better frame may still come: none stayed quiet since the mass settled. */
  readonly complete: boolean;
}

/**
 * Chooses the two frames to compare: the last one before the movement that was quiet and stayed so, and the first such one
 * after the mass had settled. Where none stayed so, one that was quiet for itself; else the one nearest to the movement's
 * outside: the first frame before it, the last one after it.
 *
 * @param frames in the order of time, bounded by who keeps them
 */
export function chooseFrames(
  frames: readonly SeenFrame[],
  startedAtUs: number,
  settledAtUs: number,
): ChosenFrames {
  /** 2: quiet and stayed so; 1: quiet, but then something moved or nothing is known; 0: moving. */
  const rank = (index: number) => {
    if (frames[index]?.moving !== false) return 0;
    return frames[index + 1]?.moving === false ? 2 : 1;
  };
  let before: number | undefined;
  let after: number | undefined;
  for (const [index, { atUs }] of frames.entries()) {
    if (atUs <= startedAtUs) {
      // Of those that moved the first is kept: the hand came later.
      const [mine, best] = [rank(index), before === undefined ? -1 : rank(before)];
      if (mine > best || (mine === best && mine > 0)) before = index;
    } else if (atUs >= settledAtUs) {
      const [mine, best] = [rank(index), after === undefined ? -1 : rank(after)];
      if (mine > best || (mine === best && mine === 0)) after = index;
    }
  }
  return {
    before,
    after,
    beforeThat: before === undefined || before === 0 ? undefined : before - 1,
    afterThat: after === undefined || after + 1 >= frames.length ? undefined : after + 1,
    complete: after !== undefined && rank(after) === 2,
  };
}
