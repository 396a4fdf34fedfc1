import { asOwnerOf } from '#base/as-owner.ts';
import { systemClock } from '#base/clock.ts';
import type { Inspection } from '#config/load.ts';
import { judgeCertificate } from '#gateway/certificate.ts';
import { ClockFloor } from '#gateway/clock-floor.ts';
import { machineWarnings, readMachine, readStorage } from '#gateway/machine.ts';
import { readBeforeRun } from '#gateway/run-record.ts';

type Note = (what: string, state: 'ok' | 'warn' | boolean, message: string) => void;

const msPerDay = 86_400_000;

/** Looks at supply, heat, the device's certificate, and how the gateway's last run ended. */
export async function examineService({ config, paths }: Inspection, note: Note): Promise<void> {
  if (config === undefined || paths === undefined) return;
  const facts = await readMachine();
  const warnings = machineWarnings(facts, await readStorage(paths.data), config.power.hotMilliCelsius);
  for (const { code, message } of warnings) note('machine', 'warn', `${code} ${message}`);
  if (facts.underVoltageSeen === true && facts.underVoltage !== true) {
    note('machine', 'warn', 'its supply was below its voltage since it started; check supply and cable');
  }
  if (paths.certFile !== undefined) await examineCertificate(paths.certFile, note);
  // The folder is the gateway's, which may have put anything there; who runs this may be root.
  await asOwnerOf(paths.data, () => examineRuns(paths.data, note));
}

/** What the gateway noted of time and of its last run. */
async function examineRuns(data: string, note: Note): Promise<void> {
  const floor = await ClockFloor.open(data, systemClock);
  if (floor.isBehind) {
    const days = Math.ceil((floor.atMs - systemClock.utcMs()) / msPerDay);
    note('clock', 'warn', `CW-GWY-020 the gateway has known an instant ${days} days later; set the clock`);
  }
  const before = await readBeforeRun(data);
  if (before === undefined || before.cause === 'killed') return;
  const { cause, code, message } = before;
  const isFine = ['stopped', 'reboot', 'poweroff'].includes(cause);
  const why = [code, message].filter((part) => part !== undefined).join(' ');
  note('last run', isFine ? 'ok' : 'warn', `ended: ${cause}${why === '' ? '' : ` (${why})`}`);
}

async function examineCertificate(path: string, note: Note): Promise<void> {
  const { health, warnings } = await judgeCertificate(path, systemClock.utcMs());
  for (const { code, message } of warnings) {
    note('certificate', code === 'CW-GWY-015' ? 'warn' : false, `${code} ${message}`);
  }
  if (warnings.length > 0 || health === undefined) return;
  const date = new Date(health.notAfter).toISOString().slice(0, 10);
  note('certificate', 'ok', `valid until ${date}, ${health.daysLeft} days`);
}
