import { createHash, randomBytes } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { makePrivateKey, type PrivateKey, publicPem } from '#identity/keys.ts';
import { entryFile, entryText } from '#updates/slots/loader-entry.ts';
import { slotPlacesUnder } from '#updates/slots/slot-places.ts';
import { writeSlot } from '#updates/slots/write-slot.ts';
import { writeRootArchive } from '../../scripts/imaging/root-archive.ts';

export const createdMs = 1_795_000_000_000;

/** A device whose partitions are files: everything that the slots' program looks at, below a folder. */
export class SlotDevice {
  readonly folder = mkdtempSync(join(tmpdir(), 'cartwright-slots-'));
  readonly places = slotPlacesUnder(this.folder);
  readonly key: PrivateKey = makePrivateKey('Ed25519').key;

  constructor() {
    this.boots('a');
    for (const [role, id] of [
      ['root-a', '1111'],
      ['root-b', '2222'],
      ['data', '3333'],
    ] as const) {
      this.write(`dev/${role}`, Buffer.alloc(400_000));
      for (const [folder, name] of [
        ['by-partlabel', `cartwright-${role}`],
        ['by-partuuid', id],
      ] as const) {
        mkdirSync(join(this.folder, 'dev/disk', folder), { recursive: true });
        symlinkSync(join(this.folder, 'dev', role), join(this.folder, 'dev/disk', folder, name));
      }
    }
    this.write('usr/lib/cartwright/image.json', JSON.stringify({ image: 1, createdMs }));
    this.write('etc/cartwright/release-keys/maker.pem', publicPem(this.key.publicKey));
    this.write('etc/cartwright/cartwright.yaml', 'store: one\n');
    this.write('opt/cartwright/releases/1.0.0/x', '');
    symlinkSync('releases/1.0.0', join(this.folder, 'opt/cartwright/current'));
    const entry = { slot: 'a', version: '1.0.0', generation: 4, rootId: '1111', dataId: '3333' } as const;
    this.write(
      `efi/loader/entries/${entryFile('a')}`,
      entryText({ ...entry, kernelWords: ['console=ttyX'] }),
    );
    this.says({ sensors: true, fusion: true, broker: true });
  }

  boots(slot: 'a' | 'b'): void {
    this.write('proc/cmdline', `root=x cartwright.slot=${slot} quiet\n`);
  }

  says(checks: { sensors: boolean; fusion: boolean; broker: boolean }, atMs = 0): void {
    this.write('run/cartwright/healthy.json', JSON.stringify({ version: '1.0.0', atMs, checks }));
  }

  write(path: string, content: string | Buffer): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), content);
  }

  read(path: string): Buffer {
    return readFileSync(join(this.folder, path));
  }

  entries(): string[] {
    return readdirSync(join(this.folder, 'efi/loader/entries')).sort();
  }

  /** A root archive of random content; answers its path and what the partition has to begin with. */
  async archive(
    facts: { version?: string; createdMs?: number; arch?: 'x64' | 'arm64'; bytes?: number } = {},
    key = this.key,
  ): Promise<{ path: string; content: Buffer }> {
    const content = Buffer.concat([randomBytes(60_000), Buffer.alloc((facts.bytes ?? 200_000) - 60_000)]);
    this.write('made/root', content);
    this.write('made/linux', 'kernel of the new root');
    this.write('made/initrd', 'initramfs of the new root');
    const path = join(this.folder, 'made/archive');
    const { version = '1.1.0', arch = 'x64' } = facts;
    const made = { version, arch, createdMs: facts.createdMs ?? createdMs + 1 };
    const sources = { fileSystem: join(this.folder, 'made/root'), kernel: join(this.folder, 'made') };
    await writeRootArchive(path, sources, made, key);
    return { path, content };
  }

  update(path: string, options: { older?: boolean; again?: boolean } = {}) {
    const { older = false, again = false } = options;
    return writeSlot(this.places, path, { arch: 'x64', nowMs: createdMs + 5, older, again, log: () => {} });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** SHA-256, lower-case hexadecimal. */
export function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
