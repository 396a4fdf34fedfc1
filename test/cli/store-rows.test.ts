import test from 'ava';
import { deviceRows, deviceTable } from '#cli/store-text.ts';
import type { DeviceView } from '#store/floor.ts';

test('a cart in safe mode is shown as out of service, with the reason', (t) => {
  const state = { online: true, connection: 4, ledger: '0'.repeat(16), boot: 7, software: 'cartwright/1' };
  const view: DeviceView = { device: 'cart-0001', state, plates: new Map(), faults: new Map() };
  const safe: NonNullable<DeviceView['state']> = {
    ...state,
    mode: 'safe',
    safe: { cause: 'fault', code: 'CW-CFG-002', retryS: 600 },
  };
  const rows = deviceRows({
    floor: { all: () => [view, { ...view, device: 'cart-0002', state: safe }] } as never,
    step: () => undefined,
  });
  const [, first, second] = deviceTable(rows);
  t.regex(first ?? '', /cart-0001 +online +free/);
  t.regex(second ?? '', /cart-0002 +safe +out of service .*CW-CFG-002/);
});
