import packageFile from '../../package.json' with { type: 'json' };

/** Name and version of this software, as every event carries it. */
export const software = `cartwright/${packageFile.version}`;
