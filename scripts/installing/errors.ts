import { CodedError } from '#base/errors.ts';

/** What can keep a machine from being set up, or from being given back. */
export const setupCodes = {
  'CW-SYS-001': 'Setting up a machine needs root.',
  'CW-SYS-002': 'The machine has no systemd, or one that is too old.',
  'CW-SYS-003': 'The release is for another kind of processor than the machine.',
  'CW-SYS-004': "The machine's C library is none that Node.js runs on, or too old.",
  'CW-SYS-005': 'The machine has too little memory.',
  'CW-SYS-006': 'The disk has too little room for a release.',
  'CW-SYS-007': 'The kernel lacks what the service is confined by.',
  'CW-SYS-008': 'There is no release to set up from: this is a copy of the sources.',
  'CW-SYS-009': 'The release is not whole, or signed by nobody who is trusted.',
  'CW-SYS-010': 'Packages of Debian are missing and could not be installed.',
  'CW-SYS-011': 'A program of the system failed.',
  'CW-SYS-012': 'The configuration that was given can not work on a device.',
  'CW-SYS-013': 'A key of whoever makes releases can not be read.',
  'CW-SYS-014': 'Something else is in the place of a file, folder or link that is needed.',
  'CW-SYS-015': 'A newer version is installed.',
  'CW-SYS-016': 'An update is on trial or being taken back.',
  'CW-SYS-017': 'A file can not be written.',
  'CW-SYS-018': 'The gateway was set up and does not start.',
  'CW-SYS-019': 'Another run of setup is at work.',
  'CW-SYS-020': 'The device could not be provisioned.',
} as const;

export class SetupError extends CodedError<keyof typeof setupCodes> {}
