/**
 * Real gateways are updated, and taken back, by the real updater: `npm run soak -- --only=updates`. Releases are the
 * sources of the commit that is checked out, offered by `cartwright release` over a Mosquitto and fetched over https; a
 * stand-in for systemd runs them by the rules of their units.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { callDevice } from '#cli/call.ts';
import { type CliResult, runCli } from '../support/cli.ts';
import type { Stage } from './stage.ts';
import { faults, nextOutbox } from './update-releases.ts';
import { must, SoakDevice, UpdateSite } from './update-site.ts';

const minuteMs = 60_000;

interface Finding {
  readonly what: string;
  readonly tookMs: number;
  readonly problems: readonly string[];
}

type Work = (site: UpdateSite, device: SoakDevice) => Promise<string>;

/** Plays one device in a store of its own through `work`, and checks that no event was lost and the ledger is the same. */
async function play(
  site: UpdateSite,
  store: string,
  work: Work,
  first = site.maker.make('1.0.0'),
): Promise<Finding> {
  const startMs = performance.now();
  const problems: string[] = [];
  let what = store;
  const device = await SoakDevice.boot(site, first, { store });
  try {
    await device.told(({ type }) => type === 'gateway.born', minuteMs, 'its first birth');
    what = `${store}: ${await work(site, device)}`;
    await sleep(3_000);
    problems.push(...(await device.problems()));
  } catch (error) {
    problems.push(`${store}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await device.remove();
  }
  return { what, tookMs: performance.now() - startMs, problems };
}

/** A release that does not work is taken back by itself, and said to be. */
function takenBack(
  version: string,
  code: string,
  withinMs: number,
  ...patches: Parameters<UpdateSite['maker']['make']>[1][]
): Work {
  return async (site, device) => {
    await site.publish(device.store, site.maker.make(version, ...patches));
    await device.until(({ trial }) => trial?.version === version, 3 * minuteMs, 'the trial');
    const beganMs = performance.now();
    const state = await device.until(
      ({ trial, undo }) => trial === undefined && undo === undefined,
      withinMs,
      'the verdict',
    );
    const tookS = Math.round((performance.now() - beganMs) / 1_000);
    if (state.good !== '1.0.0') throw new Error(`${state.good} is in service; ${await device.tale()}`);
    const told = await device.told(
      ({ type }) => type === 'update.rolled-back',
      2 * minuteMs,
      'the event of the roll-back',
    );
    const { data } = told as { data: { code?: string; why?: string } };
    if (data.code !== code) throw new Error(`it was taken back by ${data.code} (${data.why}), not ${code}`);
    const health = await device.health(
      ({ update }) => update?.failed === version && update.state === 'waiting',
      minuteMs,
    );
    return `taken back after ${tookS} s: ${data.code} ${data.why}; health waits: ${health.update?.hold}`;
  };
}

/** Taken over https, then a newer format from a file by hand, then back is refused as the data can't be read. */
const takes: Work = async (site, device) => {
  await site.publish(device.store, site.maker.make('1.1.0'));
  await device.until(({ good }) => good === '1.1.0', 5 * minuteMs, 'release 1.1.0');
  if (site.resumed === 0) throw new Error('the transfer that broke off was not gone on with');
  const description = await site.lay(join(device.root, 'stick'), site.maker.make('1.2.0', nextOutbox));
  const byHand = await must(['update', description, '--root', device.root]);
  if (!/release 1\.2\.0: good/.test(byHand.stdout)) throw new Error(byHand.stdout);
  const back = await runCli(['update', '--back', 'for a test', '--root', device.root]);
  if (back.code !== 1 || !back.stderr.startsWith('CW-UPD-027'))
    throw new Error(`${back.code} ${back.stderr}`);
  await device.told(
    ({ type, data }) => type === 'update.refused' && (data as { code?: string }).code === 'CW-UPD-027',
    minuteMs,
    'the refusal',
  );
  return 'release 1.1.0 over https (broken off and gone on with), 1.2.0 with a newer outbox by hand, back to 1.1.0 refused';
};

/** Back by a command, where the older release reads the data: as a trial of its own. */
const goesBack: Work = async (site, device) => {
  const stick = await site.lay(join(device.root, 'stick'), site.maker.make('1.1.0'));
  await must(['update', stick, '--root', device.root]);
  const call = { broker: site.broker.url, store: device.store, device: device.device, timeout: 30 };
  const answer = await callDevice({ ...call, command: 'update.rollback', args: { why: 'for a test' } });
  if (answer.status !== 'done') throw new Error(JSON.stringify(answer));
  await device.until(
    ({ good, trial }) => good === '1.0.0' && trial === undefined,
    4 * minuteMs,
    'release 1.0.0',
  );
  return 'release 1.1.0 from a file, and back to 1.0.0 by a command';
};

/** A gateway that ends again and again: safe mode takes the release that mends it. */
const healed: Work = async (site, device) => {
  const poison = join(device.root, 'poison');
  await writeFile(poison, '');
  await device.happened(/^cartwright ended 1$/, 5);
  const beganMs = performance.now();
  await site.publish(device.store, site.maker.make('1.1.0'));
  await device.until(({ good }) => good === '1.1.0', 5 * minuteMs, 'release 1.1.0');
  await rm(poison);
  return `safe mode took release 1.1.0, good ${Math.round((performance.now() - beganMs) / 1_000)} s after it was offered`;
};

/** Three devices of one store in groups: a release that works reaches all, one that does not stops at the first. */
async function rollOut(site: UpdateSite): Promise<Finding> {
  const startMs = performance.now();
  const store = 'groups';
  const names = ['cart-0001', 'cart-0002', 'cart-0003'];
  const first = site.maker.make('1.0.0');
  const devices: SoakDevice[] = [];
  const problems: string[] = [];
  const groups = ['--group', 'canary=cart-0001', '--group', '*', '--open', '1', '--stop-at', '1'];
  const follow = ['release', 'advance', '--follow', '-s', store, '-b', site.broker.url];
  const followed = async (code: number, words: RegExp): Promise<CliResult> => {
    const result = await runCli(follow);
    if (result.code !== code || !words.test(result.stdout))
      throw new Error(`followed: ${result.code} ${result.stdout}${result.stderr}`);
    return result;
  };
  try {
    for (const device of names) devices.push(await SoakDevice.boot(site, first, { store, device }));
    await site.publish(store, site.maker.make('1.1.0'), ...groups);
    await followed(0, /1 of 2 groups open\n.*2 of 2 groups open/);
    await must(['release', 'pause', '-s', store, '-b', site.broker.url]);
    await must(['release', 'resume', '-s', store, '-b', site.broker.url]);
    await site.publish(store, site.maker.make('1.2.0', faults.crashes), ...groups);
    await followed(1, /1 of 2 groups open, 1 failed/);
    await must(['release', 'advance', '-s', store, '-b', site.broker.url]);
    await sleep(15_000);
    for (const [index, device] of devices.entries()) {
      const { good, happenings } = await device.state();
      const tried = happenings.filter(({ what, version }) => what === 'began' && version === '1.2.0').length;
      if (good !== '1.1.0' || tried !== (index === 0 ? 1 : 0))
        problems.push(`${device.device} has ${good}, tried 1.2.0 ${tried} times`);
      problems.push(...(await device.problems()));
    }
  } catch (error) {
    problems.push(`${store}: ${error instanceof Error ? error.message : String(error)}`);
    for (const device of devices) problems.push(await device.tale());
  } finally {
    for (const device of devices) await device.remove();
  }
  const what = `${store}: three devices, 1.1.0 first on one and then on all; 1.2.0 failed on the first and reached no other`;
  return { what, tookMs: performance.now() - startMs, problems };
}

/** One after the other. */
async function inRow(
  works: readonly (() => Promise<Finding>)[],
  say: (line: string) => void,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const work of works) {
    const found = await work();
    say(
      `updates ${found.what} (${Math.round(found.tookMs / 1_000)} s)${found.problems.length > 0 ? ' FAILED' : ''}`,
    );
    findings.push(found);
  }
  return findings;
}

/** Updates from end to end: taken, taken back, healed, in groups. */
export const updatesStage: Stage = {
  name: 'updates',
  about:
    'real gateways updated over the broker and taken back, broken releases among them (a quarter of an hour)',
  async run(_options, say) {
    const site = await UpdateSite.open();
    const only = process.env.SOAK_UPDATES;
    try {
      const { crashes, hangs, silent, unreachable, poisoned } = faults;
      const rows: Readonly<Record<string, () => Promise<Finding>>>[] = [
        // Each of these takes the whole ten minutes of a trial.
        { silent: () => play(site, 'silent', takenBack('1.1.0', 'CW-UPD-040', 13 * minuteMs, silent)) },
        {
          unreachable: () =>
            play(
              site,
              'unreachable',
              takenBack('1.1.0', 'CW-UPD-040', 13 * minuteMs, unreachable, nextOutbox),
            ),
        },
        {
          crashes: () => play(site, 'crashes', takenBack('1.1.0', 'CW-UPD-041', 2 * minuteMs, crashes)),
          healed: () => play(site, 'healed', healed, site.maker.make('1.0.0', poisoned)),
          takes: () => play(site, 'takes', takes),
          back: () => play(site, 'back', goesBack),
        },
        {
          hangs: () => play(site, 'hangs', takenBack('1.1.0', 'CW-UPD-041', 8 * minuteMs, hangs)),
          groups: () => rollOut(site),
        },
      ];
      const chosen = rows.map((row) =>
        Object.entries(row).flatMap(([name, work]) =>
          only === undefined || only.split(',').includes(name) ? [work] : [],
        ),
      );
      const findings = (await Promise.all(chosen.map((row) => inRow(row, say)))).flat();
      const bad = findings.flatMap(({ problems }) => problems);
      return { summary: `${findings.length} courses, ${bad.length} of them with faults`, faults: bad };
    } finally {
      await site.close();
    }
  },
};
