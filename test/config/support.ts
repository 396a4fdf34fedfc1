import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ConfigError, type Finding } from '#config/errors.ts';

/** Runs `use` with a folder that holds `files`; the folder goes away afterwards. */
export async function withFiles<Value>(
  files: Readonly<Record<string, string | Uint8Array>>,
  use: (folder: string) => Promise<Value>,
): Promise<Value> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-config-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The findings of what `action` throws; an error of another class passes on. */
export async function findingsOf(action: () => unknown): Promise<readonly Finding[]> {
  try {
    await action();
  } catch (error) {
    if (error instanceof ConfigError) return error.findings;
    throw error;
  }
  return [];
}

export const minimalConfig = 'cartwright: 1\nstore: s1\ndevice: cart-1\nboard: ./board.yaml\n';

/** A board of one plate on four cells; `change` edits its text. */
export const goodBoard = `profile: 1
name: test-cart
devices:
  - { id: bridge, driver: firmata-hx711, options: { cells: [fl, fr, rl, rr], samplesPerSecond: 80 } }
  - { id: scanner, driver: hid-pos-scanner }
  - { id: camera, driver: libcamera, options: { width: 640, height: 480 } }
  - { id: imu, driver: mpu6050, options: { bus: bridge } }
plates:
  - id: basket
    kind: cart
    maxMg: 30000000
    intervalMg: 5000
    deadLoadMg: 2000000
    cells:
      - { id: fl, positionMm: [-200, 300], capacityMg: 40000000 }
      - { id: fr, positionMm: [200, 300], capacityMg: 40000000 }
      - { id: rl, positionMm: [-200, -300], capacityMg: 40000000 }
      - { id: rr, positionMm: [200, -300], capacityMg: 40000000 }
    motion: imu
    cameras: [{ id: camera, region: [0, 0, 640, 480] }]
    scanners: [scanner]
`;

/** A calibration as JSON for the cells of `goodBoard`. */
export function calibrationFor(cells: readonly string[], more: object = {}): string {
  const entries = cells.map((cell) => [cell, { zeroCounts: 84_213, milligramsPerCount: 2.3283 }]);
  const plates = { basket: { cells: Object.fromEntries(entries) } };
  return JSON.stringify({ calibration: 1, revision: 7, plates, ...more });
}
