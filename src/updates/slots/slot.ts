/** One of the two root file systems of a disk that scripts/build-image made. One runs, the other is written. */
export type Slot = 'a' | 'b';
export const slots: readonly Slot[] = ['a', 'b'];

/** The slot that does not run. */
export function otherThan(slot: Slot): Slot {
  return slot === 'a' ? 'b' : 'a';
}

/** GPT names of the partitions, which /dev/disk/by-partlabel shows. */
export const partitionNames = {
  boot: 'cartwright-boot',
  a: 'cartwright-root-a',
  b: 'cartwright-root-b',
  data: 'cartwright-data',
} as const;

/** How often a new root may begin to boot before the boot loader goes back to the other one. */
export const trialBoots = 3;

/**
 * The slot that the kernel was started with, by its command line; undefined on machines that no image was written to.
 */
export function runningSlot(commandLine: string): Slot | undefined {
  const word = commandLine.split(/\s+/).find((text) => text.startsWith('cartwright.slot='));
  return slots.find((slot) => word === `cartwright.slot=${slot}`);
}
