import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { TypedBus } from '#base/typed-bus.ts';
import { decodeRecord, encodeRecord } from '#events/codec.ts';
import { phoneHeard, phoneSay } from '#events/mqtt-payloads.ts';
import type { GatewayEvents } from '#gateway/gateway.ts';
import { GatewayPhone, type PhoneGateway } from '#gateway/phone.ts';
import type { ScanReading } from '#readings/readings.ts';
import { type PhoneSay, phoneChannel, phoneMac } from '#uplink/phones.ts';
import type { MessageHandler } from '#uplink/uplink.ts';
import { basketOf, lines } from '../pages/display-source.ts';
import { readQr } from './read-qr.ts';

const tokenPattern = /^QR-[A-Za-z0-9-]{4,64}$/u;

/** A gateway of which only phones know: its session, what was scanned, and what was published. */
class Bench implements PhoneGateway {
  readonly bus = new TypedBus<GatewayEvents>(() => {});
  readonly scans: ScanReading[] = [];
  readonly published: { readonly topic: string; readonly payload: Uint8Array; readonly retain: boolean }[] =
    [];
  session: string | undefined;
  revision = 1;
  state: 'open' | 'paid' = 'open';
  changes = 0;
  readonly phone: GatewayPhone;
  readonly clock = new VirtualClock();
  readonly #handlers = new Map<string, MessageHandler>();
  readonly pipeline: PhoneGateway['pipeline'];
  readonly uplink: PhoneGateway['uplink'];

  constructor(session?: string) {
    this.session = session;
    const current = () => (this.state === 'paid' ? undefined : this.session);
    this.pipeline = {
      get session() {
        return current();
      },
      snapshot: () =>
        this.session === undefined
          ? undefined
          : basketOf(lines, { session: this.session, revision: this.revision, state: this.state }),
    };
    this.uplink = {
      subscribe: (filter, handler) => {
        this.#handlers.set(filter, handler);
        return () => {
          this.#handlers.delete(filter);
        };
      },
      publish: (topic, payload, { retain = false }) => {
        this.published.push({ topic, payload: Buffer.from(payload), retain });
      },
    };
    this.phone = new GatewayPhone({
      gateway: this,
      clock: this.clock,
      log: silentLogger,
      store: 'store-1',
      device: 'cart-0042',
      tokenPattern,
      page: 'https://phone.example/scan',
      broker: 'wss://broker.example/mqtt',
      onChange: () => {
        this.changes += 1;
      },
    });
  }

  get subscribed(): readonly string[] {
    return [...this.#handlers.keys()];
  }

  scanned(scan: ScanReading): void {
    this.scans.push(scan);
  }

  /** Something has happened: the session or the basket is another one. */
  happened(change: Partial<Pick<Bench, 'session' | 'revision' | 'state'>>): void {
    Object.assign(this, change);
    this.bus.emit('events', []);
  }

  hear(topic: string, payload: Uint8Array, retain = false): void {
    void this.#handlers.get(topic)?.(topic, payload, {
      retain,
      properties: { responseTopic: undefined, correlationData: undefined, contentType: undefined },
    });
  }

  /** Says something as a phone that knows the secret. */
  say(secret: Uint8Array, say: Omit<PhoneSay, 'mac'>, mac = phoneMac(secret, say)): void {
    this.hear(`phone/${phoneChannel(secret)}/say`, encodeRecord(phoneSay, { ...say, mac }));
  }

  /** What was answered: the outcomes, in order. */
  get answers(): readonly string[] {
    return this.published
      .filter(({ topic }) => topic.endsWith('/heard'))
      .map(({ payload }) => decodeRecord(phoneHeard, payload).outcome);
  }
}

/** The secret of the QR code that is shown, found by reading the code as a phone would. */
async function secretOf(t: ExecutionContext, bench: Bench): Promise<Buffer> {
  for (let tries = 0; bench.phone.shown() === undefined; tries++) {
    if (tries > 500) throw new Error('no code was made');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const shown = bench.phone.shown();
  const text = await readQr(shown?.path ?? '', shown?.side ?? 0);
  const match =
    /^https:\/\/phone\.example\/scan#1\.store-1\.cart-0042\.([\w-]{22})\.wss%3A%2F%2Fbroker\.example%2Fmqtt$/.exec(
      text,
    );
  t.truthy(match, text);
  return Buffer.from(match?.[1] ?? '', 'base64url');
}

const scan = (number: number, code = '4006381333931') =>
  ({ number, what: 'scan', code, symbology: ']E0' }) as const;

test('the code on the display can be read, and what a phone scans with its secret is a scan', async (t) => {
  const bench = new Bench('s1');
  const secret = await secretOf(t, bench);
  t.false(bench.phone.shown()?.joined);
  bench.say(secret, { number: 1, what: 'join' });
  t.true(bench.phone.shown()?.joined);
  bench.say(secret, scan(2));
  t.like(bench.scans[0], { kind: 'scan', source: 'phone', symbology: ']E0' });
  t.is(Buffer.from(bench.scans[0]?.data ?? []).toString(), '4006381333931');
  t.deepEqual(bench.answers, ['taken', 'taken']);
  const basket = bench.published.find(({ topic }) => topic.endsWith('/basket'));
  t.true(basket?.retain);
  bench.happened({ revision: 2 });
  t.is(bench.published.filter(({ topic }) => topic.endsWith('/basket')).length, 2);
});

test('what does not know the secret, was said before, or is no message, is not taken and not answered', async (t) => {
  const bench = new Bench('s1');
  const secret = await secretOf(t, bench);
  bench.say(secret, scan(5));
  bench.say(secret, scan(5));
  bench.say(secret, scan(4, '1'));
  bench.say(secret, scan(6), phoneMac(randomBytes(16), scan(6)));
  bench.say(secret, scan(7, '111'), phoneMac(secret, scan(7, '222')));
  bench.say(randomBytes(16), scan(8));
  bench.hear(`phone/${phoneChannel(secret)}/say`, Buffer.from('nonsense'));
  const retained = encodeRecord(phoneSay, { ...scan(9), mac: phoneMac(secret, scan(9)) });
  bench.hear(`phone/${phoneChannel(secret)}/say`, retained, true);
  t.is(bench.scans.length, 1);
  t.deepEqual(bench.answers, ['taken']);
});

test('a secret ends with its session: its messages are nothing, and the basket is cleared', async (t) => {
  const bench = new Bench('s1');
  const secret = await secretOf(t, bench);
  bench.say(secret, { number: 1, what: 'join' });
  bench.happened({ state: 'paid' });
  t.true(bench.phone.shown()?.joined, 'the receipt is still shown');
  bench.happened({ session: undefined, state: 'open' });
  t.is(bench.phone.shown(), undefined);
  const last = bench.published.at(-1);
  t.true(last?.topic.endsWith('/basket'));
  t.is(last?.payload.length, 0);
  bench.say(secret, scan(2));
  bench.happened({ session: 's2' });
  const next = await secretOf(t, bench);
  t.notDeepEqual(next, secret);
  bench.say(secret, scan(3));
  t.deepEqual(bench.scans, []);
});

test('a shopper who disconnects phones is rid of them', async (t) => {
  const bench = new Bench('s1');
  const secret = await secretOf(t, bench);
  bench.say(secret, { number: 1, what: 'join' });
  bench.phone.stop();
  bench.say(secret, scan(2));
  t.deepEqual(bench.scans, []);
  t.notDeepEqual(await secretOf(t, bench), secret);
  t.false(bench.phone.shown()?.joined);
});

test('a phone opens no session, and says nothing that is no code', async (t) => {
  const bench = new Bench('s1');
  const secret = await secretOf(t, bench);
  bench.say(secret, scan(1, 'QR-7F3A-2C91'));
  bench.say(secret, scan(2, ''));
  bench.say(secret, scan(3, 'x'.repeat(513)));
  bench.say(secret, { ...scan(4), symbology: 'EAN' });
  bench.say(secret, { number: 5, what: 'scan' });
  t.deepEqual(
    bench.answers,
    Array.from({ length: 5 }, () => 'refused'),
  );
  t.deepEqual(bench.scans, []);
});

test('a token is refused whatever a reader put in front of it', async (t) => {
  const bench = new Bench('s1');
  const secret = await secretOf(t, bench);
  bench.say(secret, { ...scan(1, 'QR-7F3A-2C91'), symbology: ']Q1' });
  bench.say(secret, { ...scan(2, ']Q1QR-7F3A-2C91'), symbology: ']X0' });
  t.deepEqual(bench.answers, ['refused', 'refused']);
  t.deepEqual(bench.scans, []);
});

test('control characters are refused, but for the separator of GS1 codes', async (t) => {
  const bench = new Bench('s1');
  const secret = await secretOf(t, bench);
  const strange = ['QR-7F3A-2C91\r', 'QR-7F3A-2C91\n', '4006381333931\n', '\x1bcode', 'a\x00b', 'a\x85'];
  strange.forEach((code, at) => {
    bench.say(secret, { ...scan(at + 1, code), symbology: ']Q1' });
  });
  t.deepEqual(
    bench.answers,
    strange.map(() => 'refused'),
  );
  t.deepEqual(bench.scans, []);
  bench.say(secret, { ...scan(9, '0104006381333931\x1d10A'), symbology: ']d2' });
  t.is(bench.answers.at(-1), 'taken');
  t.is(bench.scans.length, 1);
});

test('of all messages that have one MAC at most one is taken', async (t) => {
  const ones = [
    { symbology: ']E0', code: 'a\nb' },
    { symbology: ']E0\na', code: 'b' },
  ] as const;
  for (const what of ['join', 'scan'] as const) {
    const bench = new Bench('s1');
    const secret = await secretOf(t, bench);
    const [first, second] = ones.map((one, at) => ({ number: 1 + at, what, ...one }));
    if (first === undefined || second === undefined) throw new Error('two are needed');
    t.is(phoneMac(secret, first), phoneMac(secret, { ...second, number: 1 }));
    bench.say(secret, first);
    bench.say(secret, second);
    t.deepEqual(bench.answers, ['refused', 'refused']);
    t.deepEqual(bench.scans, []);
    t.false(bench.phone.shown()?.joined);
  }
});

test('only the channel of the present secret is listened to', async (t) => {
  const bench = new Bench();
  t.deepEqual(bench.subscribed, []);
  bench.happened({ session: 's1' });
  const first = await secretOf(t, bench);
  t.deepEqual(bench.subscribed, [`phone/${phoneChannel(first)}/say`]);
  bench.phone.stop();
  const second = await secretOf(t, bench);
  t.notDeepEqual(second, first);
  t.deepEqual(bench.subscribed, [`phone/${phoneChannel(second)}/say`]);
  bench.happened({ session: undefined });
  t.deepEqual(bench.subscribed, []);
});

test('a hundred scans at once are too many, and after a rest there is room again', async (t) => {
  const bench = new Bench('s1');
  const secret = await secretOf(t, bench);
  for (let number = 1; number <= 100; number++) bench.say(secret, scan(number));
  t.is(bench.scans.length, 20);
  t.true(bench.answers.includes('too-often'));
  bench.clock.advance(10_000_000);
  bench.say(secret, scan(101));
  t.is(bench.scans.length, 21);
});

test('a phone that speaks JSON is answered in JSON', async (t) => {
  const bench = new Bench('s1');
  const secret = await secretOf(t, bench);
  const say = { number: 1, what: 'join' } as const;
  const text = JSON.stringify({ ...say, mac: phoneMac(secret, say) });
  bench.hear(`phone/${phoneChannel(secret)}/say`, Buffer.from(text));
  const [heard, basket] = bench.published.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()));
  t.deepEqual(heard, { number: 1, outcome: 'taken' });
  t.is(basket.lines.length, lines.length);
});

test('closing clears what phones were shown, and listens no more', async (t) => {
  const bench = new Bench('s1');
  const secret = await secretOf(t, bench);
  bench.say(secret, { number: 1, what: 'join' });
  bench.phone.close();
  t.deepEqual(bench.subscribed, []);
  t.is(bench.published.at(-1)?.payload.length, 0);
});
