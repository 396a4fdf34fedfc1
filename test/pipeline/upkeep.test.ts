import test from 'ava';
import { Cart, jar } from './support.ts';

const jarMg = jar.grossMg?.mean ?? 0;

test("what staff put into a cart is nobody's purchase, and no session begins until they are done", (t) => {
  const cart = new Cart().wait(2);
  t.like(cart.command('maintenance.begin', { plates: ['basket'] }), { status: 'done' });
  t.like(cart.command('session.begin', { touch: true }), { status: 'refused', code: 'CW-PIP-012' });
  cart.scan('QR-token-nobody-may-see', ']Q1');
  t.is(cart.of('basket.alert')[0]?.data.kind, 'refused');
  cart.put(jarMg).wait(3);
  t.is(cart.of('movement.settled').length, 1, 'it stays evidence');
  t.is(cart.of('item.unresolved').length + cart.of('basket.alert').length, 1);
  t.like(cart.command('maintenance.end'), { status: 'done', data: { plates: ['basket'] } });
  t.like(cart.command('session.begin', { touch: true }), { status: 'done' });
});

test('a cart with a shopper is not worked on', (t) => {
  const cart = new Cart().wait(2);
  cart.command('session.begin', { touch: true });
  t.like(cart.command('maintenance.begin', { plates: ['basket'] }), {
    status: 'refused',
    code: 'CW-PIP-011',
  });
});

test('a plate that the board does not have is named with those that it has', (t) => {
  const refused = new Cart().wait(2).command('maintenance.begin', { plates: ['attic'] });
  t.like(refused, { status: 'refused', code: 'CW-PIP-003' });
  t.regex(JSON.stringify(refused), /attic.*basket/);
});

test('what staff are moving when they say that they are done is still theirs', (t) => {
  const cart = new Cart().wait(2);
  cart.command('maintenance.begin', { plates: ['basket'] });
  cart.massMg += jarMg;
  cart.wait(0.2);
  cart.command('maintenance.end');
  cart.wait(3);
  t.is(cart.of('movement.settled').length, 1);
  t.is(cart.of('item.unresolved').length, 0);
  cart.put(jarMg).wait(3);
  t.is(cart.of('item.unresolved').length, 1, 'from then on plates are watched again');
});

test('maintenance that nobody ends is over after the time that was asked for, also through a restart', (t) => {
  const cart = new Cart().wait(2);
  cart.command('maintenance.begin', { plates: ['basket'], minutes: 1 });
  const state = JSON.parse(JSON.stringify(cart.pipeline.saveState()));
  const again = new Cart({ startUs: 5_000_000, state }).wait(50);
  t.like(again.command('session.begin', { touch: true }), { status: 'refused', code: 'CW-PIP-012' });
  again.wait(11);
  t.like(again.command('session.begin', { touch: true }), { status: 'done' });
});
