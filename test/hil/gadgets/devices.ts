import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { typed } from './keyboard.ts';
import { stock } from './stock.ts';
import { isPlugged, make, ownNode, plug, remove, sendReports, unplug } from './usb.ts';

/**
 * The far side of the tests' devices: what the electronics of a scanner or scale would do. Runs in the machine's agent;
 * what is loaded here stays between calls.
 */

/** What lies on each scale, mg. */
const loads = new Map<string, number>();
/** Ends what plays a plugged-in device. */
const playing = new Map<string, () => Promise<void>>();

/** How often a HID scale reports, ms; real ones take 100 to 500. */
const reportEveryMs = 200;

export function makeAll(): void {
  for (const device of Object.values(stock)) {
    remove(
      device.name,
      device.functions.map(({ kind }) => kind),
    );
    make(device);
  }
}

/** Harmless where it is there already. */
export async function plugIn(id: string, port: number): Promise<void> {
  if (isPlugged(id, port)) return;
  await plug(id, port);
  if (id === 'hid-scale') play(id, reportMass);
  if (id === 'cdc-scale') play(id, answerWeights);
}

export async function pull(id: string): Promise<void> {
  // The cable goes first: a device does not say goodbye.
  unplug(id);
  await playing.get(id)?.();
  playing.delete(id);
}

export function setLoad(id: string, massMg: number): void {
  loads.set(id, massMg);
}

/** A code is shown to a scanner. `symbology` is an AIM identifier. Resolves when the device has sent it. */
export async function scan(id: string, text: string, symbology: string): Promise<void> {
  switch (id) {
    case 'hid-scanner':
      await sendReports(id, posReports(text, symbology));
      return;
    case 'key-scanner':
      await sendReports(id, typed(`${symbology}${text}\n`));
      return;
    case 'cdc-scanner':
      writeLine(id, `${symbology}${text}\r`);
      return;
    default:
      throw new Error(`${id} is no scanner`);
  }
}

/** Reports of codes one right after the other, without waiting for anybody to take them in. */
export async function burst(id: string, texts: readonly string[], everyMs = 0): Promise<number> {
  return sendReports(
    id,
    texts.flatMap((text) => posReports(text, ']E0')),
    everyMs,
  );
}

/** As in drivers/scanner/hid-pos-report.ts, written down once more: 56 bytes of data a report. */
export function posReports(text: string, symbology: string): string[] {
  const data = Buffer.from(text, 'latin1');
  const reports: string[] = [];
  for (let start = 0; start === 0 || start < data.length; start += 56) {
    const part = data.subarray(start, start + 56);
    const report = Buffer.alloc(64);
    report[0] = 2;
    report[1] = part.length;
    report.write(symbology, 2, 'latin1');
    report.set(part, 5);
    report[63] = start + 56 < data.length ? 1 : 0;
    reports.push(report.toString('hex'));
  }
  return reports;
}

function play(id: string, act: (id: string, running: () => boolean) => Promise<void>): void {
  let running = true;
  const ended = act(id, () => running).catch((error: unknown) => {
    // What was being written when the cable was pulled fails; anything else is the test's business.
    if (running) throw error;
  });
  playing.set(id, async () => {
    running = false;
    await ended;
  });
}

/** Report 3: stable, grams, no exponent. */
async function reportMass(id: string, running: () => boolean): Promise<void> {
  const file = openSync(ownNode(id, 'hid'), constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    while (running()) {
      const grams = Math.round((loads.get(id) ?? 0) / 1000);
      const report = Buffer.from([3, grams === 0 ? 2 : 4, 2, 0, grams & 0xff, grams >> 8]);
      ignoring(['EAGAIN', 'ESHUTDOWN'], () => writeSync(file, report));
      await sleep(reportEveryMs);
    }
  } finally {
    closeSync(file);
  }
}

/** METTLER TOLEDO 8217: `W` is answered by STX, kilograms with three decimals, CR. */
async function answerWeights(id: string, running: () => boolean): Promise<void> {
  const file = openLine(id);
  const asked = Buffer.alloc(64);
  try {
    while (running()) {
      const count = ignoring(['EAGAIN', 'EIO'], () => readSync(file, asked)) ?? 0;
      const kilograms = ((loads.get(id) ?? 0) / 1_000_000).toFixed(3).padStart(6, '0');
      for (const command of asked.subarray(0, count)) {
        if (command !== 0x57) continue;
        ignoring(['EAGAIN', 'EIO'], () => writeSync(file, Buffer.from(`\x02${kilograms}\r`, 'latin1')));
      }
      await sleep(20);
    }
  } finally {
    closeSync(file);
  }
}

function writeLine(id: string, text: string): void {
  const file = openLine(id);
  try {
    writeSync(file, Buffer.from(text, 'latin1'));
  } finally {
    closeSync(file);
  }
}

/** The gadget's end of a serial line, without the echo and the line editing that the kernel starts with. */
function openLine(id: string): number {
  const node = ownNode(id, 'acm');
  const file = openSync(node, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY);
  const { status, stderr } = spawnSync('stty', ['-F', node, 'raw', '-echo'], { encoding: 'utf8' });
  if (status !== 0) {
    closeSync(file);
    throw new Error(`stty ${node}: ${stderr}`);
  }
  return file;
}

/** Undefined where it fails in one of these ways. */
function ignoring<T>(codes: readonly string[], act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
