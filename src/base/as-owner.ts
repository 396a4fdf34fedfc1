import { stat } from 'node:fs/promises';

/**
 * Runs `work` with the rights of the user whose folder it is: what that user may have put there, links to files of the
 * system say, then leads root no further than that user gets. Without root, or in root's own folder, nothing changes.
 * One at a time, in a program that does nothing else meanwhile: the rights are those of the whole process.
 * @param folder must lie where that user can't replace it; where it is missing, `work` runs as it is
 */
export async function asOwnerOf<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  const { geteuid, setegid, seteuid, getgroups, setgroups } = process;
  const owner = await stat(folder).catch(() => undefined);
  const isOthers = geteuid?.() === 0 && owner !== undefined && owner.uid !== 0;
  if (!isOthers || !setegid || !seteuid || !getgroups || !setgroups) return await work();
  const groups = getgroups();
  const group = process.getegid?.() ?? 0;
  setgroups([owner.gid]);
  setegid(owner.gid);
  seteuid(owner.uid);
  try {
    return await work();
  } finally {
    seteuid(0);
    setegid(group);
    setgroups(groups);
  }
}
