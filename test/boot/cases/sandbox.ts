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
};

/** See `Case`. */
export async function run(bench: Bench): Promise<readonly string[]> {
  const disk = await bench.installedDisk();
  const box = await bench.boot(disk);
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

  await box.sh('systemctl stop cartwright.service');
  const nowS = Number(await box.sh('date +%s'));
  const floorMs = nowS * 1_000 + tenDaysMs;
  await box.sh(`echo ${floorMs} >/var/lib/cartwright/clock-floor`);
  await box.sh(`cat >/run/cartwright/power.json.new <<'END'
{"action":"poweroff","why":"a trial","atMs":${nowS * 1_000}}
END
mv /run/cartwright/power.json.new /run/cartwright/power.json`);
  await box.ended();

  const again = await bench.boot(disk);
  const laterS = Number(await again.sh('date +%s'));
  expect(laterS >= floorMs / 1_000, `the clock begins at ${laterS} s, before ${floorMs / 1_000} s`);
  const left = (await again.sh('ls /run/cartwright/power.json 2>/dev/null || true')).trim();
  expect(left === '', 'the wish outlived the machine');
  return [`${Object.keys(probes).length} things tried in the sandbox`];
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
