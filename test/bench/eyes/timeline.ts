/**
 * When things come and go on the plates of the benchmark of the eyes, by the machine's monotonic clock: scales and camera
 * run in processes of their own and agree without a word. Windows take turns: in one the plates that no camera sees are
 * used, in the next those that one sees.
 */
export interface Timeline {
  readonly windowUs: number;
  /** Between two movements of one plate, µs. */
  readonly everyUs: number;
}

export const sides = ['apart', 'seen'] as const;
export type Side = (typeof sides)[number];

/** Plates of each side. */
export const places = 4;

/** Which window an instant is in, counted since the machine was started; its side is the number's parity. */
export function windowAt({ windowUs }: Timeline, atUs: number): number {
  return Math.floor(atUs / windowUs);
}

/** Movements of each plate in one of its windows: an even number, so that it ends as it began, and none in its last turn. */
export function movesOf({ windowUs, everyUs }: Timeline): number {
  return 2 * Math.max(0, Math.floor((windowUs / everyUs - 1) / 2));
}

/** Whether a thing lies there. The places of a side take turns. */
export function lies(timeline: Timeline, side: Side, place: number, atUs: number): boolean {
  const { windowUs, everyUs } = timeline;
  const window = windowAt(timeline, atUs);
  if (sides[window % 2] !== side) return false;
  const sinceUs = atUs - window * windowUs - (place * everyUs) / places;
  const moves = Math.min(movesOf(timeline), Math.max(0, Math.floor(sinceUs / everyUs)));
  return moves % 2 === 1;
}
