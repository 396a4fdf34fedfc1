import { copyFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '#test/hil/machine/build.ts';
import { mebibyte } from '../../../scripts/imaging/partitions.ts';
import { type Bench, device, store } from '../bench.ts';
import { brokerInBox } from '../machine/box.ts';
import type { Told, Watch } from '../watch.ts';
import { FirmwareMachine } from './firmware-machine.ts';
import type { BuiltImage } from './prepare.ts';
import { bootOffset } from './roots.ts';

/** So much larger a card is than the image that was written to it. */
const largerMebibytes = 512;
const settings = join(import.meta.dirname, '../settings');

/** A cart whose card was written with an image: what lies on the card outlives its machine. */
export class ImageCart {
  readonly watch: Watch;
  /** The card: raw. */
  readonly disk: string;
  readonly #image: BuiltImage;
  readonly #variables: string;
  #running: FirmwareMachine | undefined;

  /** Writes the image to a larger card, and puts what an operator would on its boot partition. */
  static async make(bench: Bench, image: BuiltImage): Promise<ImageCart> {
    const disk = join(bench.folder, 'card.img');
    await command('cp', ['--sparse=always', image.file, disk]);
    const { size } = await stat(disk);
    await truncate(disk, size + largerMebibytes * mebibyte);
    const config = (await readFile(join(settings, 'cartwright.yaml'), 'utf8'))
      .replace('STORE', store)
      .replace('DEVICE', device)
      .replace('BROKER', brokerInBox);
    await writeFile(join(bench.folder, 'cartwright.yaml'), config);
    await copyFile(join(settings, 'board.yaml'), join(bench.folder, 'board.yaml'));
    for (const name of ['cartwright.yaml', 'board.yaml']) {
      const drive = `${disk}@@${bootOffset(image)}`;
      await command('mcopy', ['-i', drive, join(bench.folder, name), `::/${name}`]);
    }
    return new ImageCart(image, disk, join(bench.folder, 'variables.fd'), await bench.watch());
  }

  private constructor(image: BuiltImage, disk: string, variables: string, watch: Watch) {
    this.#image = image;
    this.disk = disk;
    this.#variables = variables;
    this.watch = watch;
  }

  /** Switches it on; `stick` is a file that is a second disk. */
  async start(stick?: string): Promise<FirmwareMachine> {
    const options = { arch: this.#image.plan.arch, disk: this.disk, variables: this.#variables };
    const { port: brokerPort } = this.watch.broker;
    this.#running = await FirmwareMachine.start({ ...options, brokerPort, stick });
    return this.#running;
  }

  /** Switches it on and waits for its birth at the broker outside. Answers it with the seconds from power-on. */
  async birth(stick?: string): Promise<{ machine: FirmwareMachine; birth: Told; seconds: number }> {
    const since = performance.now();
    const machine = await this.start(stick);
    const birth = await Promise.race([
      this.watch.birth(since),
      machine.ended.then((why) =>
        Promise.reject(new Error(`the machine ended (${why})\n${machine.console()}`)),
      ),
    ]).catch(async (cause: unknown) => {
      throw new Error(`${String(cause)}\n${await told(machine)}`, { cause });
    });
    return { machine, birth, seconds: (birth.atMs - since) / 1_000 };
  }

  async kill(): Promise<void> {
    await this.#running?.kill();
  }
}

/** What the machine itself can say of why nothing came. */
async function told(machine: FirmwareMachine): Promise<string> {
  const asked = 'systemctl --failed --no-legend; journalctl -b -p warning --no-pager | tail -n 40';
  const answer = machine.sh(asked).catch(String);
  const nothing = new Promise<string>((resolve) => setTimeout(() => resolve(machine.console()), 60_000));
  return await Promise.race([answer, nothing]);
}

/** The program of the root slots, in the machine. */
export const slots =
  '/opt/cartwright/good/node_modules/.bin/node /opt/cartwright/good/src/updates/slots/main.ts';

/** Waits in the machine until a condition of its shell holds; `what` says in a report what was waited for. */
export async function until(machine: FirmwareMachine, condition: string, what: string): Promise<void> {
  await machine
    .sh(`for i in $(seq 400); do ${condition} && exit 0; sleep 3; done; exit 1`)
    .catch(async () => {
      const log = await machine.sh('journalctl -b --no-pager | tail -n 60');
      throw new Error(`it is not so that ${what}:\n${log}`);
    });
}
