/** Exit codes of the `cartwright` command, documented in its help. */
export const exitCodes = {
  ok: 0,
  /** The thing asked for was done and found something wrong: a bad configuration, a wrong item in a score. */
  findings: 1,
  usage: 2,
  /** A broker, device or file could not be reached, or no answer came in time. */
  unreachable: 3,
  /** A fault of this software: please report it. */
  internal: 70,
  /** `EX_CONFIG` of sysexits: `run` and `record` can't work with their configuration. */
  configuration: 78,
} as const;

export const exitCodeHelp = `
Exit codes:
  0   done
  1   done, and something is wrong (findings, refused command, wrong decisions);
      run, record: a fault after which a new start may help
  2   wrong usage
  3   a broker, device or file could not be reached, or no answer came in time
  70  a fault of this software; please report it
  78  run, record: the configuration can't work`;
