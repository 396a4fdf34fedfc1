import type { Command } from 'commander';

/** A command of `cartwright` as the list of commands shows it. What it needs is loaded only when it is used. */
export interface CommandEntry {
  /** Name and arguments, as commander writes them. */
  readonly usage: string;
  /** The command's own description. */
  readonly summary: string;
  /** Loads the command; the function adds it, with its options, to a program. */
  readonly load: () => Promise<(program: Command) => void>;
}

/** In the order in which the help lists them. */
export const commands: readonly CommandEntry[] = [
  {
    usage: 'demo',
    summary: 'run a virtual cart with a virtual shopper, and show its events as a subscriber sees them',
    load: async () => (await import('./demo.ts')).registerDemo,
  },
  {
    usage: 'run [config]',
    summary: 'run the gateway until a signal (what the service does)',
    load: async () => (await import('./run.ts')).registerRun,
  },
  {
    usage: 'check [config]',
    summary: 'check a configuration with its board, calibration and catalogue, and explain it',
    load: async () => (await import('./check.ts')).registerCheck,
  },
  {
    usage: 'devices [config]',
    summary: 'list the devices of the board profile: found, or why not; and all that is attached',
    load: async () => (await import('./devices.ts')).registerDevices,
  },
  {
    usage: 'tail',
    summary: 'show the events on a broker as they come, one readable line each',
    load: async () => (await import('./tail.ts')).registerTail,
  },
  {
    usage: 'live [what]',
    summary: "show a device's load cells or plates as they are now: counts, mass, noise, fault",
    load: async () => (await import('./live.ts')).registerLive,
  },
  {
    usage: 'calibrate <devices...>',
    summary: 'calibrate the scales of devices, step by step',
    load: async () => (await import('./calibrate.ts')).registerCalibrate,
  },
  {
    usage: 'verify <device>',
    summary: 'test the scales of a device with known weights, step by step, and write a report',
    load: async () => (await import('./verify.ts')).registerVerify,
  },
  {
    usage: 'report <device>',
    summary: 'fetch the report of a calibration, as a page to keep or print',
    load: async () => (await import('./scale-report.ts')).registerReport,
  },
  {
    usage: 'diagnose <device>',
    summary: "test a device's load cells: noise, drift, hum, lost samples, coupling",
    load: async () => (await import('./diagnose.ts')).registerDiagnose,
  },
  {
    usage: 'call <command> [args...]',
    summary: 'send a command to a device and wait for its answer',
    load: async () => (await import('./call.ts')).registerCall,
  },
  {
    usage: 'record <folder>',
    summary: 'run the gateway and record every input, for replay on any machine',
    load: async () => (await import('./run.ts')).registerRecord,
  },
  {
    usage: 'replay <trace>',
    summary: 'run a trace through the decisions of the gateway, as fast as the machine allows',
    load: async () => (await import('./replay.ts')).registerReplay,
  },
  {
    usage: 'simulate <scenario>',
    summary: 'play a scenario in the simulated world and write it as a trace, with what really happened',
    load: async () => (await import('./simulate.ts')).registerSimulate,
  },
  {
    usage: 'score <traces...>',
    summary: 'replay traces and hold the decisions against their truth lines',
    load: async () => (await import('./score.ts')).registerScore,
  },
  {
    usage: 'explain <event>',
    summary: 'show what a decision or a question was made of: masses, scans, sightings, explanations',
    load: async () => (await import('./explain.ts')).registerExplain,
  },
  {
    usage: 'driver',
    summary: 'try a driver: against the driver contract, or on recorded bytes',
    load: async () => (await import('./driver.ts')).registerDriver,
  },
  {
    usage: 'enroll [pictures...]',
    summary: 'teach cameras a product by a few pictures of it',
    load: async () => (await import('./enroll.ts')).registerEnroll,
  },
  {
    usage: 'gallery',
    summary: 'give all devices of a store one gallery, and see which they have',
    load: async () => (await import('./gallery.ts')).registerGallery,
  },
  {
    usage: 'store',
    summary: 'the reference store: publishes goods and deals, shows all carts, and has a till',
    load: async () => (await import('./store.ts')).registerStore,
  },
  {
    usage: 'release',
    summary: 'give the devices of a store a release of this software, and see how far they are',
    load: async () => (await import('./release.ts')).registerRelease,
  },
  {
    usage: 'update [file]',
    summary: 'take a release from a file into service on this device, or go back; also in safe mode',
    load: async () => (await import('./update.ts')).registerUpdate,
  },
  {
    usage: 'console',
    summary:
      "serve the technicians' console: calibrate, verify and look after carts and shelves from a browser",
    load: async () => (await import('./console.ts')).registerConsole,
  },
  {
    usage: 'key',
    summary: 'make keys that sign commands, and lists of the keys that devices believe',
    load: async () => (await import('./key.ts')).registerKey,
  },
  {
    usage: 'authority',
    summary: "the store's certificate authority: makes devices the store's, and shuts them out",
    load: async () => (await import('./authority.ts')).registerAuthority,
  },
  {
    usage: 'provision',
    summary: 'make this device one of a store: key, certificate, binding to its hardware',
    load: async () => (await import('./provision.ts')).registerProvision,
  },
  {
    usage: 'backup <file>',
    summary: 'keep identity, configuration and calibrations in one encrypted file',
    load: async () => (await import('./backup.ts')).registerBackup,
  },
  {
    usage: 'restore <file>',
    summary: 'bring back what cartwright backup kept, on this hardware or a replacement',
    load: async () => (await import('./backup.ts')).registerRestore,
  },
  {
    usage: 'factory-reset',
    summary: 'wipe the identity, the queue and everything learned; software and configuration stay',
    load: async () => (await import('./factory-reset.ts')).registerFactoryReset,
  },
  {
    usage: 'audit',
    summary: 'read the audit log of a device, and check that nothing in it was changed or taken away',
    load: async () => (await import('./audit.ts')).registerAudit,
  },
  {
    usage: 'vision',
    summary: 'try what cameras see: products and codes on pictures, and how fast',
    load: async () => (await import('./vision.ts')).registerVision,
  },
  {
    usage: 'nats-users [devices...]',
    summary: "write users.conf of the store's NATS broker: who may connect, and what each may read and write",
    load: async () => (await import('./nats-users.ts')).registerNatsUsers,
  },
  {
    usage: 'doctor [config]',
    summary: 'look at machine, configuration, disk, clock, devices and broker, and say what is wrong',
    load: async () => (await import('./doctor.ts')).registerDoctor,
  },
];

/**
 * Adds every command to the program: the one that the arguments name in full, the others only so that the help lists
 * them. `words` are the arguments after the program's name.
 */
export async function registerCommands(program: Command, words: readonly string[]): Promise<void> {
  const named = words.filter((word) => !word.startsWith('-'));
  const wanted = named[0] === 'help' ? named[1] : named[0];
  for (const { usage, summary, load } of commands) {
    if (wanted !== undefined && usage.split(' ')[0] === wanted) (await load())(program);
    // All of them have options, at least --help.
    else program.command(usage).description(summary).option('-h, --help');
  }
}
