import { setTimeout } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import { z } from 'zod';
import { type EnrolledTold, enrolledSchema } from '#vision/gallery/told.ts';
import { type BrokerOptions, connectBroker } from './broker.ts';
import { askDevice } from './call.ts';
import type { Embedded, EnrolOptions, Gallery, Looks, ProductNames } from './enroll-gallery.ts';
import { CliError } from './errors.ts';
import { notice } from './terminal.ts';

interface Access extends BrokerOptions {
  readonly store: string;
  readonly device: string;
  /** Seconds. */
  readonly timeout: number;
  /** File of the private key that signs what is asked. */
  readonly key?: string | undefined;
}

const removedSchema = z.object({ look: z.string(), removed: z.boolean() });
const listSchema = z.object({
  version: z.string().optional(),
  total: z.int(),
  looks: z.array(z.object({ look: z.string(), references: z.int(), pictures: z.int() })),
});
const capturedSchema = z.object({ space: z.string(), embeddings: z.array(z.instanceof(Uint8Array)) });

/** The gallery of a running device, over MQTT. */
export class Device implements Gallery {
  readonly name: string;
  readonly #access: Access;
  readonly #client: MqttClient;

  /** Rejects with CW-CLI-002 or CW-CLI-004. */
  static async connect(access: Access): Promise<Device> {
    return new Device(access, await connectBroker(access, access.timeout));
  }

  private constructor(access: Access, client: MqttClient) {
    this.name = `${access.store}/${access.device}`;
    this.#access = access;
    this.#client = client;
  }

  /** Embeddings of what a camera sees, so often, with time to turn the product between. Rejects as `#ask` does. */
  async capture(from: {
    readonly camera: string;
    readonly plate: string;
    readonly captures: number;
    readonly every: number;
  }): Promise<Embedded> {
    const { camera, plate, captures, every } = from;
    const embeddings: Int8Array[] = [];
    let space = '';
    for (let taken = 1; taken <= captures; taken++) {
      if (taken > 1) {
        notice(`${taken - 1} of ${captures}: turn the product, the next picture is taken in ${every} s`);
        await setTimeout(every * 1000);
      }
      const seen = await this.#ask('gallery.capture', { camera, plate }, capturedSchema);
      space = seen.space;
      for (const { buffer, byteOffset, length } of seen.embeddings) {
        embeddings.push(new Int8Array(buffer, byteOffset, length));
      }
    }
    notice(`${captures} of ${captures}`);
    const names = embeddings.map((_, index) => `picture ${index + 1}`);
    return { space, embeddings, names, failed: [] };
  }

  enroll({ space, embeddings }: Embedded, options: EnrolOptions): Promise<EnrolledTold> {
    const args = {
      ...productOf(options),
      space,
      embeddings: embeddings.map(
        ({ buffer, byteOffset, length }) => new Uint8Array(buffer, byteOffset, length),
      ),
      ...(options.replace === true ? { replace: true } : {}),
      ...(options.keepAll === true ? { keepAll: true } : {}),
    };
    return this.#ask('gallery.enroll', args, enrolledSchema);
  }

  remove(product: ProductNames): Promise<{ look: string; removed: boolean }> {
    return this.#ask('gallery.remove', productOf(product), removedSchema);
  }

  async list(): Promise<Looks> {
    const looks: Looks['looks'][number][] = [];
    for (;;) {
      const part = await this.#ask('gallery.list', { from: looks.length }, listSchema);
      looks.push(...part.looks);
      if (part.looks.length === 0 || looks.length >= part.total) return { version: part.version, looks };
    }
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }

  /** Rejects with CW-CLI-003 where nobody answers, CW-CLI-007 with the device's own code where it refuses. */
  async #ask<T>(command: string, args: Readonly<Record<string, unknown>>, answer: z.ZodType<T>): Promise<T> {
    const got = await askDevice(this.#client, { ...this.#access, command, args });
    if (got.status === 'refused') {
      throw new CliError('CW-CLI-007', `${this.name} refuses: ${got.code} ${got.message}`);
    }
    const data = answer.safeParse(got.data);
    if (data.success) return data.data;
    throw new CliError(
      'CW-CLI-007',
      `${this.name} gave an answer that is not understood; is its software as new as this one?`,
    );
  }
}

function productOf({ gtin, plu, look }: ProductNames): Readonly<Record<string, string>> {
  if (gtin !== undefined) return { gtin };
  return plu === undefined ? { look: look ?? '' } : { plu };
}
