/** The program of the root slots: `node src/updates/slots/main.ts update FILE`, run as root. docs/operator/image.md */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { describeError, isCoded } from '#base/errors.ts';
import { slotPlacesUnder } from './slot-places.ts';
import { blessBySystemd, describeSlots, judgeTrial, settleAtBoot } from './trial.ts';
import { writeSlot } from './write-slot.ts';

const help = `Writes a new root (Debian with its kernel) into the slot that is not in use, and tries it.

main.ts update FILE [--older] [--again]   FILE: a signed root archive, or a disk that one was copied to
main.ts status                            what is in which slot
main.ts boot                              at every boot: tells of a root that was taken back
main.ts judge                             on trial: waits for the gateway's health; ends with 1 where the root is bad

Exit codes: 0 done, 1 refused, failed or bad, 2 wrong usage`;

const places = slotPlacesUnder('/');
const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      older: { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [action, path] = positionals;
  if (values.help) {
    say(help);
    return 0;
  }
  if (action === 'update' && path !== undefined) {
    const { older, again } = values;
    await writeSlot(places, path, { older, again, arch: process.arch, nowMs: Date.now(), log: say });
    return 0;
  }
  if (action === 'status') {
    for (const line of await describeSlots(places)) say(line);
    return 0;
  }
  if (action === 'boot') {
    const told = await settleAtBoot(places, Date.now());
    // The journal's prefix of a warning.
    if (told !== undefined) say(`<4>CW-UPD-080 ${told}`);
    return 0;
  }
  if (action === 'judge') {
    const times = { now: () => performance.now(), utcMs: () => Date.now() };
    const tools = { bless: blessBySystemd, ...times, pause, log: say };
    return (await judgeTrial(places, tools)) ? 0 : 1;
  }
  process.stderr.write(`${help}\n`);
  return 2;
}

try {
  process.exitCode = await main();
} catch (error) {
  const { code = '' } = error as { code?: string };
  const isUsage = code.startsWith('ERR_PARSE_ARGS');
  console.error(isCoded(error) || isUsage ? describeError(error) : error);
  process.exitCode = isUsage ? 2 : 1;
}
