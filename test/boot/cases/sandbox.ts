import { setTimeout as wait } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { expect } from '../case.ts';
import type { Box } from '../machine/box.ts';

export const title =
  "the service gets its secrets and devices and nothing else; root's helpers end the machine and set its clock";

const tenDaysMs = 10 * 86_400_000;

/** What a process of the service may do; run in a unit that differs from cartwright.service in its program alone. */
const probes: Readonly<Record<string, readonly [script: string, allowed: boolean]>> = {
  'read the secret that is there': ['[ "$(cat $CREDENTIALS_DIRECTORY/broker-password)" = s3cret ]', true],
  'find a secret that is not there': ['[ -e $CREDENTIALS_DIRECTORY/device-key.pem ]', false],
  'read the secret where it is kept': ['cat /etc/cartwright/credentials/broker-password', false],
  'write its data': ['echo 1 >/var/lib/cartwright/probe && rm /var/lib/cartwright/probe', true],
  'write what it tells': ['echo 1 >/run/cartwright/probe && rm /run/cartwright/probe', true],
  'open a serial line': ['dd if=/dev/ttyS0 iflag=nonblock count=0', true],
  'open a disk': ['dd if=/dev/vda count=0', false],
  'open the memory': ['dd if=/dev/mem count=0', false],
  'write the configuration': ['echo 1 >>/etc/cartwright/cartwright.yaml', false],
  'write its own program': ['echo 1 >/opt/cartwright/current/src/probe', false],
  'read accounts': ['cat /etc/shadow', false],
  'look into homes': ['ls /root', false],
  'get more rights': ['unshare --user true', false],
  'set the clock': ['date -s @1', false],
  ...Object.fromEntries(
    ['/var/lib/cartwright', '/var/cache/cartwright', '/run/cartwright', '/tmp', '/dev/shm'].map((folder) => [
      `copy a program to ${folder} that can't be executed there`,
      [`cp /bin/true ${folder}/try && chmod 700 ${folder}/try && ! ${folder}/try && rm ${folder}/try`, true],
    ]),
  ),
};

/** See `Case`. */
export async function run(bench: Bench): Promise<readonly string[]> {
  const disk = await bench.installedDisk();
  const watch = await bench.watch();
  const box = await bench.boot(disk, { brokerPort: watch.broker.port });
  await box.sh(
    'printf s3cret >/etc/cartwright/credentials/broker-password && chmod 600 /etc/cartwright/credentials/*',
  );
  const wrong = await probe(box);
  expect(wrong.length === 0, `it is otherwise with: ${wrong.join('; ')}`);
  const devices = await box.sh('cat /proc/devices; find /lib/modules -name "usbserial.ko*"');
  expect(
    !devices.includes('usbserial.ko') || /^ *188 ttyUSB$/m.test(devices),
    `kinds of devices that are plugged in later are not known to the kernel:\n${devices}`,
  );

  // A board without a battery, as it leaves its factory; then one whose battery has lost a year.
  await box.sh('systemctl stop cartwright.service');
  const firstS = await secondsOf(box);
  await box.sh(`echo ${firstS * 1_000 + tenDaysMs} >/var/lib/cartwright/clock-floor`);
  const first = await box.bootId();
  await setBatteryClock(box, 86_400);
  await wish(box, 'reboot');
  await box.startedAfter(first);
  await clockIsAtLeast(box, firstS + tenDaysMs / 1_000);
  const left = (await box.sh('ls /run/cartwright/power.json 2>/dev/null || true')).trim();
  expect(left === '', 'the wish outlived the restart');

  // The gateway itself keeps the instants that it has seen.
  await watch.birth();
  const [second, secondS] = [await box.bootId(), await secondsOf(box)];
  await setBatteryClock(box, secondS - 365 * 86_400);
  await wish(box, 'reboot');
  await box.startedAfter(second);
  await clockIsAtLeast(box, secondS);
  await wish(box, 'poweroff');
  await box.ended();
  return [
    `${Object.keys(probes).length} things tried in the sandbox`,
    'started anew twice and switched off by wishes; a clock of 1970 and one a year behind set forward at boot',
  ];
}

const secondsOf = async (box: Box) => Number(await box.sh('date +%s'));

/** What the clock on the board says when the machine starts the next time; the kernel takes nothing before 1970 plus its uptime. */
async function setBatteryClock(box: Box, seconds: number): Promise<void> {
  await box.sh(
    `now=$(date +%s) && date -s @${seconds} && busybox hwclock --systohc --utc && date -s @$now >/dev/null`,
  );
}

/** Leaves a wish as the gateway does. */
async function wish(box: Box, action: 'reboot' | 'poweroff'): Promise<void> {
  const text = JSON.stringify({ action, why: 'a trial', atMs: 0 });
  await box.sh(
    `mkdir -p /run/cartwright && echo '${text}' >/run/cartwright/power.json.new && mv /run/cartwright/power.json.new /run/cartwright/power.json`,
  );
}

/** Whether the clock was set forward at boot, by the unit that is there for it. */
async function clockIsAtLeast(box: Box, floorS: number): Promise<void> {
  const nowS = await secondsOf(box);
  const said = await box.sh('journalctl -b -u cartwright-clock.service -o cat --no-pager');
  expect(nowS >= floorS, `the clock begins at ${nowS} s, before ${floorS} s: ${said}`);
  // The unit prints what it has set; of what it says before that, the journal of a clock that jumps does not show all.
  expect(/ UTC \d{4}$/m.test(said), `somebody else has set the clock: ${said}`);
}

/** Runs the probes as the service, and names those that came out otherwise. */
async function probe(box: Box): Promise<string[]> {
  const entries = Object.entries(probes);
  const script = entries
    .map(
      ([, [line]], index) =>
        `if ( ${line} ) >/dev/null 2>&1; then echo "probe ${index} yes"; else echo "probe ${index} no"; fi`,
    )
    .join('\n');
  await box.sh(`cat >/opt/probe.sh <<'END'
${script}
END
sed -e '/^ExecStart=/s#=.*#=/bin/sh /opt/probe.sh#' -e '/^ExecStopPost=/d' -e '/^Type=/s/=.*/=oneshot/' \\
  -e '/^\\(NotifyAccess\\|WatchdogSec\\|Restart\\|OnFailure\\)/d' /etc/systemd/system/cartwright.service >/run/systemd/system/probe.service
systemctl daemon-reload`);
  await box.sh('systemctl start probe.service');
  let said = '';
  for (let tries = 0; tries < 60 && !said.includes(`probe ${entries.length - 1} `); tries++) {
    said = await box.sh('journalctl --sync; journalctl -u probe.service -o cat --no-pager');
    await wait(1_000);
  }
  await box.sh('rm -f /opt/probe.sh /run/systemd/system/probe.service; systemctl daemon-reload');
  return entries.flatMap(([what, [, allowed]], index) =>
    said.includes(`probe ${index} ${allowed ? 'yes' : 'no'}`)
      ? []
      : [`${what} (it has to be ${allowed ? 'possible' : 'impossible'})`],
  );
}
