import { copyFile, mkdtemp, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventOf } from '#events/event.ts';
import { command } from '#test/hil/machine/build.ts';
import { mebibyte } from '../../../scripts/imaging/partitions.ts';
import type { Bench } from '../bench.ts';
import type { Told, Watch } from '../watch.ts';
import { FirmwareMachine } from './firmware-machine.ts';
import type { BuiltImage } from './prepare.ts';
import { bootOffset } from './roots.ts';
import { Shop } from './shop.ts';

/** So much larger a card is than the image that was written to it. */
const largerMebibytes = 512;
const settings = join(import.meta.dirname, '../settings');

/** A birth that has not come by then will not: an emulated machine that others slow down takes some ten minutes. */
const bornWithinMs = 3_600_000;

/** A cart whose card was written with an image: what lies on the card outlives its machine. */
export class ImageCart {
  readonly shop: Shop;
  /** The card: raw. */
  readonly disk: string;
  readonly #image: BuiltImage;
  readonly #variables: string;
  #running: FirmwareMachine | undefined;

  /**
   * Writes the image to a larger card, and puts on its boot partition what an operator would: a claim of the store's authority,
   * the board's profile, and a configuration that names nobody.
   */
  static async make(bench: Bench, image: BuiltImage): Promise<ImageCart> {
    const folder = await mkdtemp(join(bench.folder, 'cart-'));
    const disk = join(folder, 'card.img');
    await command('cp', ['--sparse=always', image.file, disk]);
    const { size } = await stat(disk);
    await truncate(disk, size + largerMebibytes * mebibyte);
    const shop = await Shop.open(folder);
    const config = (await readFile(join(settings, 'cartwright.yaml'), 'utf8'))
      .replace('STORE', 'no-store')
      .replace('DEVICE', 'nobody')
      .replace('BROKER', 'mqtts://broker.invalid');
    await writeFile(join(folder, 'cartwright.yaml'), config);
    await copyFile(join(settings, 'board.yaml'), join(folder, 'board.yaml'));
    await writeFile(join(folder, 'cartwright-claim.json'), shop.claim());
    for (const name of ['cartwright.yaml', 'board.yaml', 'cartwright-claim.json']) {
      const drive = `${disk}@@${bootOffset(image)}`;
      await command('mcopy', ['-i', drive, join(folder, name), `::/${name}`]);
    }
    return new ImageCart(image, disk, join(folder, 'variables.fd'), shop);
  }

  private constructor(image: BuiltImage, disk: string, variables: string, shop: Shop) {
    this.#image = image;
    this.disk = disk;
    this.#variables = variables;
    this.shop = shop;
  }

  get watch(): Watch {
    return this.shop.watch;
  }

  /** Switches it on; `stick` is a file that is a second disk. */
  async start(stick?: string): Promise<FirmwareMachine> {
    const options = { arch: this.#image.plan.arch, disk: this.disk, variables: this.#variables };
    const { forwards } = this.shop;
    this.#running = await FirmwareMachine.start({ ...options, forwards, stick });
    return this.#running;
  }

  /** Switches it on and waits for its birth at the broker outside. Answers it with the seconds from power-on. */
  async birth(stick?: string): Promise<{ machine: FirmwareMachine; birth: Told; seconds: number }> {
    const since = performance.now();
    const machine = await this.start(stick);
    const birth = await this.#while(machine, this.watch.birth(since, bornWithinMs));
    return { machine, birth, seconds: (birth.atMs - since) / 1_000 };
  }

  /** The first event `update.root` of this kind about this root. */
  rootEvent(machine: FirmwareMachine, what: string, version: string): Promise<EventOf<'update.root'>> {
    const { events } = this.watch.store;
    const look = () =>
      events.find(
        (event): event is EventOf<'update.root'> =>
          event.type === 'update.root' && event.data.what === what && event.data.version === version,
      );
    return this.#while(machine, this.watch.until(`update.root ${what} ${version}`, look, bornWithinMs));
  }

  /** The newest health that the device has told. */
  health(): Readonly<Record<string, unknown>> | undefined {
    return this.watch.told.findLast(({ topic }) => topic.endsWith('/health'))?.body;
  }

  /** Ends its machine and its store. */
  async end(): Promise<void> {
    await this.#running?.kill();
    await this.shop.close();
  }

  /** Something that comes while the machine runs. */
  async #while<Found>(machine: FirmwareMachine, coming: Promise<Found>): Promise<Found> {
    const ended = machine.ended.then((why) =>
      Promise.reject(new Error(`the machine ended (${why})\n${machine.console()}`)),
    );
    ended.catch(() => undefined);
    return await Promise.race([coming, ended]).catch(async (cause: unknown) => {
      throw new Error(`${String(cause)}\n${await told(machine)}`, { cause });
    });
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
