import { z } from 'zod';

/** The kinds of processor that releases are made for, by Node.js' names. */
export const architectures = ['x64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

/** Larger releases there are none: it bounds what an archive may take from the disk before anything of it is trusted. */
export const mostUnpackedBytes = 4 * 1024 ** 3;

/** A semantic version without build metadata; it is a folder's name, too. */
export const versionPattern =
  /^(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})(?:-[0-9A-Za-z-]{1,16}(?:\.[0-9A-Za-z-]{1,16}){0,3})?$/;
const version = z.string().regex(versionPattern, 'is no version such as 1.4.0 or 1.5.0-rc.1');
const count = z.number().int().min(0);

/** What is known of a release, in its signed description as in the list of files inside it. Unknown keys are left out. */
export const releaseFacts = z.object({
  /** Of the format: what has another number can't be read. */
  release: z.literal(1),
  version,
  arch: z.enum(architectures),
  /** Bytes of all files but release.json. */
  unpackedBytes: count.max(mostUnpackedBytes),
  /** Time of the commit, UTC ms. */
  createdMs: count,
  /** Firmware in it, by board: what `scripts/flash-firmware` puts on microcontrollers. */
  firmware: z.record(z.string().regex(/^[a-z0-9-]{1,64}$/), z.string().min(1).max(64)),
  /** What it writes: a version that reads an older number only can't go on from it. */
  formats: z.object({ configuration: count, outbox: count, calibration: count }),
  /** The lowest version that may update to it directly. */
  from: version.optional(),
});
export type ReleaseFacts = z.infer<typeof releaseFacts>;

/** The facts of a release as one text, to be compared. */
export function factsText(facts: ReleaseFacts): string {
  const { release, version, arch, unpackedBytes, createdMs, firmware, formats, from } = facts;
  const sorted = (record: Readonly<Record<string, string | number>>) =>
    Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    ...[release, version, arch, unpackedBytes, createdMs],
    ...[sorted(firmware), sorted(formats), from ?? null],
  ]);
}
