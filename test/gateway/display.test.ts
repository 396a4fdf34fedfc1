import test, { type ExecutionContext } from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { TypedBus } from '#base/typed-bus.ts';
import { configSchema } from '#config/schema.ts';
import { type DisplayGateway, GatewayDisplay } from '#gateway/display.ts';
import type { GatewayEvents } from '#gateway/gateway.ts';
import { basketOf, lines } from '../pages/display-source.ts';
import { board, makePipeline } from '../pipeline/support.ts';

type State = NonNullable<Parameters<typeof basketOf>[1]>['state'];

/** A display before a gateway that notes which commands got to it, and which topics it listens to. */
function displayOf(t: ExecutionContext, basket: { readonly lines: typeof lines; readonly state: State }) {
  const commands: string[] = [];
  const topics = new Set<string>();
  const { stock, weigher } = makePipeline(() => {});
  const gateway: DisplayGateway = {
    bus: new TypedBus<GatewayEvents>(() => {}),
    pipeline: {
      session: 's1',
      stock,
      weigher,
      openQuestions: () => [],
      snapshot: () => basketOf(basket.lines, { session: 's1', state: basket.state ?? 'open' }),
    },
    uplink: {
      subscribe: (filter) => {
        topics.add(filter);
        return () => topics.delete(filter);
      },
      publish: () => {},
      status: () => {
        throw new Error('nobody looks');
      },
    },
    devices: { reports: () => [] },
    measurements: { of: () => undefined },
    vision: {
      health: () => {
        throw new Error('nobody looks');
      },
    },
    desk: {
      handle: ({ command }) => {
        commands.push(command);
        return Promise.resolve({ transaction: '', status: 'done', data: {} });
      },
    },
    timeQuality: 'unset',
    scanned: () => {},
  };
  const phone = { page: 'https://phone.example/scan', broker: 'wss://broker.example/mqtt' };
  const config = configSchema.parse({
    cartwright: 1,
    store: 'store-1',
    device: 'cart-0042',
    board: 'b',
    display: { phone },
  });
  const display = new GatewayDisplay({
    gateway,
    setup: { board, config, tokenPattern: /^QR-/u },
    clock: new VirtualClock(),
    log: silentLogger,
    pictures: { file: () => undefined, nameOf: () => undefined },
  });
  t.teardown(() => display.stop());
  const channel = () => [...topics].filter((topic) => topic.startsWith('phone/'));
  return { display, commands, channel };
}

test('a touch ends no session with goods in it, neither an open nor a suspended one', async (t) => {
  for (const state of ['open', 'suspended'] as const) {
    const { display, commands } = displayOf(t, { lines, state });
    t.like(await display.act('session.end', {}, 'touch-0001'), { status: 'refused', code: 'CW-PAG-007' });
    t.deepEqual(commands, [], state);
  }
});

test('a touch ends a session with nothing in it, and one that is paid', async (t) => {
  for (const basket of [
    { lines: [], state: 'open' },
    { lines: [], state: 'suspended' },
    { lines, state: 'paid' },
  ] as const) {
    const { display, commands } = displayOf(t, basket);
    t.is((await display.act('session.end', {}, 'touch-0001')).status, 'done');
    t.deepEqual(commands, ['session.end'], basket.state);
  }
});

test('phones are disconnected once a touch, however often its page repeats it', async (t) => {
  const { display, channel } = displayOf(t, { lines, state: 'open' });
  const first = channel();
  t.is(first.length, 1);
  t.is((await display.act('phone.stop', {}, 'touch-0001')).status, 'done');
  const second = channel();
  t.is(second.length, 1);
  t.notDeepEqual(second, first);
  t.is((await display.act('phone.stop', {}, 'touch-0001')).status, 'done');
  t.deepEqual(channel(), second);
  await display.act('phone.stop', {}, 'touch-0002');
  t.notDeepEqual(channel(), second);
});
