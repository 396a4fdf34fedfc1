import { deviceFaultKinds } from '#readings/faults.ts';
import { array, bool, choice, hex, int, may, must, record, text, uint } from '../fields.ts';
import { rootHealth, updateHealth } from './updates.ts';

const runEnd = record('run-end', {
  cause: must(
    1,
    text,
    'how it ended: `stopped`, `fault`, `hung`, `out-of-memory`, `crashed`, `killed`, `power-loss`, `reboot`, `poweroff`',
  ),
  software: must(2, text, 'name/version that ran'),
  code: may(3, text, 'CW-… of what ended it, where one did'),
  message: may(4, text, 'the same for people'),
});
export const gatewayBorn = record('gateway-born', {
  boot: must(1, uint, 'boot count'),
  software: must(2, text, 'name/version'),
  reason: must(3, choice('start', 'restart-after-crash', 'reconfigured'), 'why it started'),
  downMs: may(4, uint, 'how long it was away, ms, where the clock is trusted'),
  before: may(5, runEnd, 'how the run before ended, where that is known'),
});
export const sensorHealth = record('sensor-health', {
  id: must(1, text, 'device or cell'),
  ok: must(2, bool, 'delivers fresh, plausible readings'),
  ratePerMinute: must(3, uint, 'readings a minute'),
  fault: may(4, text, 'code of the fault'),
  milliCelsius: may(5, int, 'what a temperature sensor measured last, m°C'),
  externalPower: may(6, bool, 'what a power sensor said last: power comes from outside'),
  batteryPpm: may(7, uint, 'what it said last: how full the battery is, millionths'),
});
export const visionHealth = record('vision-health', {
  running: must(1, bool, 'the vision process runs'),
  restarts: must(2, uint, 'how often it was started again since the gateway started'),
  backend: may(3, text, 'inference engine; missing while nothing can be recognized'),
  model: may(4, text, 'model'),
  looksPerMinute: must(
    5,
    uint,
    'frames of a camera that are looked at while something moves, a minute, at most',
  ),
  slowedBy: may(6, choice('heat', 'load'), 'why that is fewer than configured'),
  looked: must(7, uint, 'movements that were looked at since the gateway started'),
  inferenceUs: may(8, uint, 'how long the last inference took, µs'),
  rssBytes: may(9, uint, 'resident memory of the vision process'),
  framesDropped: must(10, uint, 'frames that were wanted and found no room in memory'),
  recordingS: may(11, uint, 'a technician records frames on the device, for so long still, s'),
  gallery: may(12, text, 'version of the gallery that products are recognized by'),
  storeGallery: may(13, text, "version of the store's gallery that it was made from"),
  storeGalleryFault: may(14, text, 'code of why the gallery that the store offers is not taken'),
});
const keysHealth = record('keys-health', {
  signed: must(1, bool, 'commands that change something have to be signed'),
  keys: must(2, uint, 'keys that count and are not revoked'),
  fileVersion: may(3, uint, "version of the list in the device's own file"),
  storeVersion: may(4, uint, "version of the store's signed list"),
  fault: may(5, text, 'code of why a list that was offered is not taken'),
});
const calibrationReason = record('calibration-reason', {
  code: must(
    1,
    text,
    'why: `never`, `age`, `overload`, `zero-drift`, `known-items`, `temperature`, `hardware`',
  ),
  at: may(2, text, 'plate or cell that it is about'),
  message: must(3, text, 'the same for people'),
});
const calibrationHealth = record('calibration-health', {
  revision: may(1, uint, 'in force; left out where there is none'),
  ageS: may(
    2,
    uint,
    'since its slopes were first in force, s, where the clock is known; of several plates the oldest',
  ),
  due: must(3, bool, 'a calibration is due'),
  reasons: must(4, array(calibrationReason), 'why; empty where none is due'),
});
const certificateHealth = record('certificate-health', {
  notAfter: must(1, uint, 'until when it is valid, UTC, ms since 1970'),
  daysLeft: may(2, int, 'whole days until then, negative after it; left out while the clock is unset'),
});
const powerHealth = record('power-health', {
  externalPower: may(1, bool, 'the sensor of `power.sensor` says that power comes from outside'),
  batteryPpm: may(2, uint, 'it says how full the battery is, millionths'),
  underVoltage: may(3, bool, 'the supply of the machine is too low now'),
  underVoltageSeen: may(4, bool, 'it was since the machine started'),
  throttled: may(5, bool, 'the processor is slowed down now, for heat or for its supply'),
  shutdownInS: may(6, uint, 'the machine is shut down in so many s, unless power comes back'),
});
const storageHealth = record('storage-health', {
  freeBytes: must(1, uint, 'room that is left where the outbox lies, bytes'),
  totalBytes: must(2, uint, 'all of it, bytes'),
});
const healthWarning = record('health-warning', {
  code: must(1, text, 'CW-…'),
  message: must(2, text, 'what was found and what to do'),
});
export const gatewayHealth = record('gateway-health', {
  ok: must(1, bool, 'everything needed for decisions works'),
  uptimeS: must(2, uint, 's'),
  sensors: must(3, array(sensorHealth), 'one per device'),
  outboxEvents: must(4, uint, 'events stored and not yet acknowledged'),
  outboxBytes: must(5, uint, 'bytes of the outbox on disk'),
  dropped: must(6, uint, 'events dropped since the ledger began'),
  connected: must(7, bool, 'link to the broker'),
  timeQuality: must(8, choice('synced', 'holdover', 'unset'), 'clock'),
  rssBytes: must(9, uint, 'resident memory'),
  milliCelsius: may(10, int, 'processor temperature'),
  cpuPpm: may(11, uint, 'share of one processor used since the last report, millionths'),
  vision: may(12, visionHealth, 'what looks through the cameras, where the board has some'),
  keys: may(
    13,
    keysHealth,
    'whose commands it takes; left out where it takes unsigned ones and knows no key',
  ),
  calibration: may(14, calibrationHealth, 'how the calibration of its scales stands'),
  update: may(15, updateHealth, 'how updates stand, where the device takes some'),
  certificate: may(
    16,
    certificateHealth,
    'with which the device shows the broker who it is, where it has one',
  ),
  power: may(17, powerHealth, 'supply of the machine, as far as anything tells'),
  storage: may(18, storageHealth, 'the disk under the data folder'),
  warnings: may(19, array(healthWarning), 'what somebody should see to before it becomes a fault'),
  root: may(26, rootHealth, 'which root runs, on machines that an image was written to'),
});
export const deviceFault = record('device-fault', {
  source: must(1, text, 'device of the board profile'),
  channel: may(2, text, 'cell, where the device has several'),
  fault: must(3, choice(...deviceFaultKinds), 'kind'),
  code: must(4, text, 'CW-…'),
  message: must(5, text, 'what to do'),
});
export const deviceRecovered = record('device-recovered', {
  source: must(1, text, 'device'),
  channel: may(2, text, 'cell'),
  fault: must(3, text, 'the kind that ended'),
  lastedUs: must(4, uint, 'from when it was told until it ended, µs'),
  times: may(5, uint, 'how often it came in that time, where it came more than once'),
});
export const outboxDropped = record('outbox-dropped', {
  first: must(1, uint, 'first sequence dropped'),
  last: must(2, uint, 'last sequence dropped'),
  count: must(3, uint, 'events of this class dropped in that range'),
  class: must(4, choice('telemetry', 'evidence', 'ledger'), 'class of the events'),
  reason: must(5, choice('full', 'refused'), 'why: no space, or the broker will never take it'),
  runs: may(
    6,
    array(uint),
    'where events in between were kept: how many sequences are gone, how many are not, and so on from first to last',
  ),
});
export const commandDone = record('command-done', {
  command: must(1, text, 'session.begin'),
  transaction: must(2, text, 'transaction'),
  actor: may(3, text, 'key that asked, where the command was signed'),
});
export const commandRefused = record('command-refused', {
  command: must(1, text, 'session.begin'),
  transaction: may(2, text, 'transaction'),
  code: must(3, text, 'CW-…'),
  message: must(4, text, 'why'),
  actor: may(5, text, 'key that asked, where its signature held'),
});
export const auditRecorded = record('audit-recorded', {
  number: must(1, uint, "of the record in the device's audit log, +1 each"),
  hash: must(2, hex(32), 'its hash, which stands for all records up to it'),
  what: must(3, text, 'what it is about: a command, or what happened (`command.refused`, `keys.changed`)'),
  actor: may(4, text, 'key that asked, where one did'),
});
