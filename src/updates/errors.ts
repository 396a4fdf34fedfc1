import { CodedError } from '#base/errors.ts';

/** What can be wrong with releases, their archives, and with taking them into service. */
export const updateCodes = {
  'CW-UPD-001': 'The description of a release (.release) can not be read.',
  'CW-UPD-002': 'A release is signed by none of the keys that this device takes releases from.',
  'CW-UPD-003': 'A release is of a format that this version does not know.',
  'CW-UPD-004': 'A release is for another kind of processor.',
  'CW-UPD-010': "A release's archive can not be read.",
  'CW-UPD-011': "A release's archive is not the one that was signed: another size, or another hash.",
  'CW-UPD-012':
    "A release's archive has an entry that no release has: a path, link, type or mode that is refused.",
  'CW-UPD-013': "A release's archive has a name twice, or two that differ by case or Unicode form alone.",
  'CW-UPD-014': "A release's archive has other contents than its list of files says.",
  'CW-UPD-015': 'The list of files (release.json) is missing, damaged, or of another release.',
  'CW-UPD-016': 'A release can not be unpacked: the disk is full, or can not be written.',
  'CW-UPD-017': 'Files of an unpacked release are missing, changed, or not of it.',
  'CW-UPD-020': 'What the updater is asked for can not be read, or is nothing that it does.',
  'CW-UPD-021': 'A release is on trial, or is being taken back: nothing else is begun.',
  'CW-UPD-022': 'The release is in service already.',
  'CW-UPD-023': 'The release is not on this device.',
  'CW-UPD-024':
    'The release is older than the one in service, and no signed request says that this is meant.',
  'CW-UPD-025': 'The release failed on this device before; it is not tried again by itself.',
  'CW-UPD-026': 'There is no release before this one to go back to.',
  'CW-UPD-027':
    "The release can not read this device's data: the version in service wrote it in a newer format.",
  'CW-UPD-028':
    'An order to go back, or to try again, is not signed by whoever may give it, or was used before.',
  'CW-UPD-029': 'The release can not be updated to from the version in service: another one comes first.',
  'CW-UPD-030': "The updater's state can not be read; it goes by what is on the disk.",
  'CW-UPD-031': 'The updater can not write: the disk is full, or read-only.',
  'CW-UPD-032': 'No release on this device is complete.',
  'CW-UPD-033': 'Another updater is at work.',
  'CW-UPD-034': 'A service can not be started or stopped.',
  'CW-UPD-035': 'Keys of whoever makes releases can not be read, or there are none.',
  'CW-UPD-040': 'A release on trial was not healthy for long enough, and was taken back.',
  'CW-UPD-041': 'The gateway of a release on trial failed, and the release was taken back.',
  'CW-UPD-042': 'The machine started too often while a release was on trial, and it was taken back.',
  'CW-UPD-043': 'A release was taken back by a command.',
  'CW-UPD-044': 'Firmware of a board could not be brought in step with the release.',
  'CW-UPD-050': 'What the store says of a release can not be read.',
  'CW-UPD-051': 'A release can not be fetched.',
  'CW-UPD-052': 'A release is not begun now: the device is in use, or not fit for it.',
  'CW-UPD-053': 'Nothing on this device takes releases into service.',
  'CW-UPD-070': 'A root archive, or its description, can not be read.',
  'CW-UPD-071': 'A root is signed by none of the keys that this device takes roots from.',
  'CW-UPD-072': 'A part of a root archive is not the one that was signed.',
  'CW-UPD-073': 'A partition does not hold what was written to it.',
  'CW-UPD-074': 'This machine has no second root: it was not started from an image, or its disk was changed.',
  'CW-UPD-075': 'The root in service is on trial itself, and no other one is written.',
  'CW-UPD-076': 'The gateway is not healthy, so that no new root can be tried.',
  'CW-UPD-077': 'The root was taken back on this device before; it is not tried again by itself.',
  'CW-UPD-078': 'The root is older than the one in service, and nobody said that this is meant.',
  'CW-UPD-079': 'The root is larger than the partition that it belongs on.',
  'CW-UPD-080': 'A root on trial was taken back.',
} as const;

export class UpdateError extends CodedError<keyof typeof updateCodes> {}
