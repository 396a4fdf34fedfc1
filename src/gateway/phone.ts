import { randomBytes } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { RateLimit } from '#base/rate-limit.ts';
import { basketSnapshot } from '#events/data/baskets.ts';
import { phoneHeard, phoneSay } from '#events/mqtt-payloads.ts';
import type { ShownPhone } from '#pages/display/source.ts';
import { phoneSource } from '#pipeline/scans.ts';
import type { ScanReading } from '#readings/readings.ts';
import { separator } from '#scanning/gs1/element-string.ts';
import { isToken } from '#scanning/interpret.ts';
import { splitIdentifier } from '#scanning/symbology.ts';
import { decodePayload, encodePayload } from '#uplink/payloads.ts';
import { isPhoneMac, type PhoneSay, phoneChannel, phoneSecretBytes } from '#uplink/phones.ts';
import type { Gateway } from './gateway.ts';
import { type QrCode, qrCodeOf } from './qr-code.ts';

/** What a thumb can do, and no more: so many at once, and so many a minute in the long run. */
const burst = 20;
const perMinute = 120;
const longestCode = 512;
const aimIdentifier = /^\][A-Za-z][0-9A-Za-z]$/;
const openBrace = 0x7b;

/** What of the gateway concerns phones. */
export interface PhoneGateway {
  readonly bus: Pick<Gateway['bus'], 'on'>;
  readonly pipeline: Pick<Gateway['pipeline'], 'session' | 'snapshot'>;
  readonly uplink: Pick<Gateway['uplink'], 'subscribe' | 'publish'>;
  scanned(scan: ScanReading): void;
}

export interface GatewayPhoneOptions {
  readonly gateway: PhoneGateway;
  readonly clock: Clock;
  readonly log: Logger;
  readonly store: string;
  readonly device: string;
  /** Of session tokens, which phones may not scan. */
  readonly tokenPattern: RegExp;
  /** The store's page for phones, and its broker's address for them. */
  readonly page: string;
  readonly broker: string;
  /** Something of `shown` has changed. */
  readonly onChange: () => void;
}

/** A session's secret and what was said with it. */
interface Joining {
  readonly session: string;
  readonly secret: Buffer;
  readonly channel: string;
  readonly limit: RateLimit;
  /** The largest number heard. */
  number: number;
  joined: boolean;
  json: boolean;
  code: QrCode | undefined;
  /** Listens to its channel no more. */
  stop: () => void;
}

/**
 * Whether a text has control characters that no code of a product has. The MAC tells symbology and code apart by a line
 * end: refused alike wherever one stands, no two messages that are taken have one MAC.
 */
function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text.replaceAll(separator, ''));
}

/** Shoppers' phones that scan for this cart and show its basket, by way of the store's broker. */
export class GatewayPhone {
  readonly #options: GatewayPhoneOptions;
  readonly #stop: () => void;
  #joining: Joining | undefined;
  #revision = '';

  constructor(options: GatewayPhoneOptions) {
    this.#options = options;
    this.#stop = options.gateway.bus.on('events', () => this.#follow());
    this.#follow();
  }

  /** What the display shows; undefined until there is a session and its code was made. */
  shown(): ShownPhone | undefined {
    const joining = this.#joining;
    if (joining?.code === undefined) return undefined;
    return { ...joining.code, joined: joining.joined };
  }

  /** Disconnects all phones: the next one needs the next code. */
  stop(): void {
    const session = this.#joining?.session;
    this.#forget();
    if (session !== undefined) this.#begin(session);
    this.#options.onChange();
  }

  close(): void {
    this.#stop();
    this.#forget();
  }

  /** A secret belongs to one session: it begins and ends with it. */
  #follow(): void {
    const { pipeline } = this.#options.gateway;
    const basket = pipeline.snapshot();
    const session = basket?.state === 'paid' ? this.#joining?.session : pipeline.session;
    if (session !== this.#joining?.session) {
      this.#forget();
      if (session !== undefined) this.#begin(session);
    }
    this.#tellBasket();
  }

  #begin(session: string): void {
    const secret = randomBytes(phoneSecretBytes);
    const channel = phoneChannel(secret);
    const joining: Joining = {
      session,
      secret,
      channel,
      limit: new RateLimit(burst, perMinute),
      number: 0,
      joined: false,
      json: true,
      code: undefined,
      // No other channel's: guests write under every cart, and each message would be one to look at.
      stop: this.#options.gateway.uplink.subscribe(`phone/${channel}/say`, (_topic, payload, { retain }) =>
        retain ? undefined : this.#hear(payload),
      ),
    };
    this.#joining = joining;
    qrCodeOf(this.#address(secret)).then(
      (code) => {
        joining.code = code;
        this.#options.onChange();
      },
      (error: unknown) =>
        this.#options.log.error({ err: describeError(error) }, "the QR code for phones can't be made"),
    );
  }

  #address(secret: Buffer): string {
    const { page, store, device, broker } = this.#options;
    const parts = ['1', store, device, secret.toString('base64url'), encodeURIComponent(broker)];
    return `${page.replace(/#.*$/s, '')}#${parts.join('.')}`;
  }

  #forget(): void {
    const joining = this.#joining;
    this.#joining = undefined;
    this.#revision = '';
    joining?.stop();
    if (joining?.joined === true) this.#publish(joining, 'basket', new Uint8Array(0), true);
  }

  /** What is no message, said before, or said without the secret is not worth an answer. */
  #hear(payload: Uint8Array): void {
    const joining = this.#joining;
    if (joining === undefined) return;
    let say: PhoneSay;
    try {
      say = decodePayload(phoneSay, payload);
    } catch {
      return;
    }
    if (say.number <= joining.number || !isPhoneMac(joining.secret, say)) return;
    joining.number = say.number;
    joining.json = payload[0] === openBrace;
    const admitted = joining.limit.admits(this.#options.clock.nowUs());
    const outcome = admitted ? this.#take(joining, say) : 'too-often';
    const heard = encodePayload(phoneHeard, { number: say.number, outcome }, this.#encoding(joining));
    this.#publish(joining, 'heard', heard, false);
    this.#tellBasket();
  }

  #take(joining: Joining, { what, code = '', symbology = '' }: PhoneSay): 'taken' | 'refused' {
    if (hasControls(symbology) || hasControls(code)) return 'refused';
    const joined = what !== 'leave';
    if (joined !== joining.joined) {
      joining.joined = joined;
      this.#revision = '';
      if (!joined) this.#publish(joining, 'basket', new Uint8Array(0), true);
      this.#options.onChange();
    }
    if (what !== 'scan') return 'taken';
    const { gateway, clock, tokenPattern } = this.#options;
    const strange = code === '' || code.length > longestCode || !aimIdentifier.test(symbology);
    // The pipeline takes no token from a phone; here it is told so.
    const texts = [code, splitIdentifier(code)?.rest ?? ''];
    if (strange || texts.some((text) => isToken(text, tokenPattern))) return 'refused';
    gateway.scanned({
      kind: 'scan',
      source: phoneSource,
      atUs: clock.nowUs(),
      data: Buffer.from(code, 'utf8'),
      symbology,
    });
    return 'taken';
  }

  #tellBasket(): void {
    const joining = this.#joining;
    const basket = this.#options.gateway.pipeline.snapshot();
    if (joining?.joined !== true || basket === undefined) return;
    const revision = `${basket.session}/${basket.revision}`;
    if (revision === this.#revision) return;
    this.#revision = revision;
    this.#publish(joining, 'basket', encodePayload(basketSnapshot, basket, this.#encoding(joining)), true);
  }

  #encoding({ json }: Joining): 'cbor' | 'json' {
    return json ? 'json' : 'cbor';
  }

  #publish({ channel }: Joining, what: string, payload: Uint8Array, retain: boolean): void {
    this.#options.gateway.uplink.publish(`phone/${channel}/${what}`, payload, { qos: 1, retain });
  }
}
