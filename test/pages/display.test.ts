import anyTest, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import type { DisplayState } from '#pages/display/source.ts';
import { needs } from '../tools.ts';
import { openChromium } from './chromium.ts';
import { openDisplay, until } from './display-scenes.ts';
import { basketOf, chooseApples, deals, lines, ScriptedDisplay } from './display-source.ts';

const test = needs(anyTest, 'chromium').serial;

let browser: Browser | undefined;
anyTest.after.always('close the browser', () => browser?.close());

async function open(t: ExecutionContext, state: Partial<DisplayState> = {}, script?: string) {
  browser ??= await openChromium();
  return await openDisplay(t, browser, new ScriptedDisplay(state), script);
}

const asked = { basket: basketOf(lines, { questions: [chooseApples.event] }), questions: [chooseApples] };
const touch = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).first().tap();
const mainText = async (page: Page) =>
  (await page.locator('#main').innerText()).replaceAll('\u00a0', ' ').replaceAll('\u202f', ' ');

test('a trip by touch: begin, fill, see what is saved, pay, get the receipt, leave', async (t) => {
  const { page, source, complaints } = await open(t);
  await touch(page, 'Touch here to begin');
  await until(t, 'the trip was begun', () => source.acts.length === 1);
  t.like(source.acts[0], { command: 'session.begin', args: { touch: true } });
  source.change({ basket: basketOf([]) });
  await page.getByText('Nothing in the cart yet.').waitFor();

  source.change({ basket: basketOf(lines.slice(0, 1)) });
  source.tell({ kind: 'event', type: 'added', atUs: 1, name: 'Barilla Spaghetti n° 5, 500 g', count: 3 });
  await page.getByText('You save €1.29').waitFor();
  t.is(await page.locator('#total').innerText(), '€2.58');
  source.change({ basket: basketOf(lines) });
  await page.getByText('Mineral water').waitFor();
  const text = await mainText(page);
  for (const part of [
    '3 for 2: €1.29 less',
    'Deposit €1.50',
    'from 18 years',
    '1.002 kg · €1.79 per kg',
    'estimated',
    'About €1.79 of it is weighed again at the till',
    '€15.40',
  ]) {
    t.true(text.includes(part), part);
  }

  await touch(page, /^Pay/);
  await until(t, 'checkout was asked for', () => source.acts.at(-1)?.command === 'basket.checkout');
  source.change({ basket: basketOf(lines, { state: 'checkout' }) });
  await page.getByText('Please go to the till or the pay point.').waitFor();
  t.is(await page.getByRole('button', { name: 'Fruit & veg' }).count(), 0);
  const paid = { checkout: chooseApples.event, revision: 9, totalMinor: 1_540, reference: 'T4-000123' };
  source.change({ basket: basketOf(lines, { state: 'paid', paid }) });
  await page.getByText('You paid €15.40.').waitFor();
  t.true((await mainText(page)).includes('T4-000123'));
  await touch(page, 'I have everything');
  await until(t, 'the trip was ended', () => source.acts.at(-1)?.command === 'session.end');
  source.without('basket');
  await page.getByText('Touch here to begin').waitFor();
  t.deepEqual(complaints, []);
});

test('a question is answered by a touch, and goods go on coming meanwhile', async (t) => {
  const { page, source } = await open(t, { basket: basketOf(lines.slice(0, 2)) });
  source.change({ ...asked, basket: basketOf(lines.slice(0, 2), { questions: [chooseApples.event] }) });
  await page.getByRole('heading', { name: 'What did you put in?' }).waitFor();
  t.true((await mainText(page)).includes('It weighs 842 g.'));
  source.change({ basket: basketOf(lines, { questions: [chooseApples.event] }) });
  await page.getByText('Red wine').waitFor();
  t.is(await page.getByRole('heading', { name: 'What did you put in?' }).count(), 1);
  await touch(page, /Granny Smith/);
  await until(t, 'the answer came', () => source.acts.length === 1);
  t.like(source.acts[0], {
    command: 'item.answer',
    args: { event: chooseApples.event, plu: '4017', count: 1, by: { role: 'shopper' } },
  });
  source.change({ questions: [], basket: basketOf(lines) });
  await page.getByRole('heading', { name: 'What did you put in?' }).waitFor({ state: 'detached' });
  await page.getByText('Thank you.').waitFor();
});

test('an answer that contradicts the weight is told in plain words, and the question stays', async (t) => {
  const { page, source } = await open(t, asked);
  source.answer = () => ({ status: 'refused', code: 'CW-FUS-004', message: 'z = 9.1' });
  await touch(page, /Red Delicious/);
  await page.getByText('That does not fit the weight.').waitFor();
  t.is(await page.getByText('z = 9.1').count(), 0);
  t.is(await page.getByRole('heading', { name: 'What did you put in?' }).count(), 1);
});

test('what is none of the candidates is looked up and answers the question', async (t) => {
  const { page, source } = await open(t, asked);
  await touch(page, 'Something else');
  await page.getByRole('button', { name: /Leeks/ }).tap();
  await until(t, 'the answer came', () => source.acts.length === 1);
  t.like(source.acts[0], { command: 'item.answer', args: { event: chooseApples.event, plu: '4629' } });
  await page.locator('.receipt').waitFor();
});

test('an own bag is no goods, and what was scanned need not be bought', async (t) => {
  const { page, source } = await open(t, asked);
  await touch(page, 'My own bag or coat');
  await until(t, 'the first answer', () => source.acts.length === 1);
  t.like(source.acts[0], { command: 'item.answer', args: { outcome: 'not-an-item' } });
  const scanned = { ...chooseApples, ask: 'place-it', kind: 'scanned-not-placed', massMg: 0 };
  source.change({ questions: [scanned] });
  await page.getByText('Please put it in the cart').waitFor();
  await touch(page, 'I don’t want it');
  await until(t, 'the second answer', () => source.acts.length === 2);
  t.like(source.acts[1], { command: 'item.answer', args: { outcome: 'withdrawn' } });
});

test('produce is found by pictures, by letters, and by the number on its sticker', async (t) => {
  const { page } = await open(t, { basket: basketOf(lines) });
  await touch(page, 'Fruit & veg');
  await page.locator('.tiles img').first().waitFor();
  t.is(await page.locator('.tiles li').count(), 18);
  await touch(page, 'Search by name or number');
  for (const letter of 'APP') await page.locator(`[data-value="${letter}"]`).tap();
  await page.getByText('3 found').waitFor();
  for (let count = 0; count < 3; count++) await page.locator('[data-value=erase]').tap();
  for (const digit of '4608') await page.locator(`[data-value="${digit}"]`).tap();
  await page.getByText('1 found').waitFor();
  t.true((await page.locator('.tiles').innerText()).includes('Garlic'));
  // A keyboard on the cart types as well.
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Backspace');
  await page.getByText('5 found').waitFor();
  for (const letter of 'QQ') await page.locator(`[data-value="${letter}"]`).tap();
  await page.getByText('Nothing is called that.').waitFor();
});

test('what was picked is weighed before the eyes of the shopper', async (t) => {
  const { page, source } = await open(t, { basket: basketOf(lines) });
  await touch(page, 'Fruit & veg');
  await touch(page, /Bananas/);
  await page.getByText('Now put it in the cart:').waitFor();
  t.like(source.acts[0], { command: 'item.identify', args: { plu: '4011' } });
  await page.getByText('Nothing put in yet').waitFor();
  source.weigh(4_236_000 + 500_000, false);
  await page.getByText('Weighing …').waitFor();
  source.weigh(4_236_000 + 842_000);
  await page.getByText('842 g').waitFor();
  await page.getByText('about €1.51').waitFor();
  t.is(await page.getByText('Weighing …').count(), 0);
});

test('a line that is not mine is disputed, and taken back', async (t) => {
  const { page, source } = await open(t, { basket: basketOf(lines) });
  t.is(await page.getByRole('button', { name: /^Not mine: / }).count(), lines.length);
  await touch(page, 'Not mine: Red wine, 0.75 l');
  await touch(page, 'It is not in my cart');
  await until(t, 'the dispute', () => source.acts.length === 1);
  t.like(source.acts[0], { command: 'line.dispute', args: { line: 3 } });
  source.change({ basket: basketOf(lines.map((line) => ({ ...line, disputed: line.line === 3 }))) });
  await page.locator('.receipt').getByText('Someone will come and look at it.').waitFor();
  await touch(page, 'Not mine: Red wine, 0.75 l');
  await touch(page, 'It is mine after all');
  await until(t, 'the end of it', () => source.acts.length === 2);
  t.like(source.acts[1], { command: 'line.dispute', args: { line: 3, over: true } });
});

test('a payment that was declined says so, and what was moved while paying, too', async (t) => {
  const { page, source } = await open(t, { basket: basketOf(lines, { state: 'checkout' }) });
  await page.getByText('Please go to the till').waitFor();
  source.change({ basket: basketOf(lines), unpaid: 'declined' });
  await page.getByText('The payment did not work.').waitFor();
  source.change({ unpaid: 'movement' });
  await page.getByText('Something was put in or taken out while paying.').waitFor();
  await touch(page, /^Pay/);
  await until(t, 'another attempt', () => source.acts.at(-1)?.command === 'basket.checkout');
  source.change({ basket: basketOf(lines, { state: 'checkout' }) });
  await touch(page, 'Go on shopping');
  await until(t, 'the end of it', () => source.acts.at(-1)?.command === 'checkout.cancel');
  t.pass();
});

test('open questions are told before payment, and do not forbid it', async (t) => {
  const { page, source } = await open(t, asked);
  await touch(page, /^Pay/);
  await page.getByText('1 question is open').waitFor();
  t.is(source.acts.length, 0);
  await touch(page, 'Answer now');
  await page.getByRole('heading', { name: 'What did you put in?' }).waitFor();
  await touch(page, /^Pay/);
  await touch(page, 'Pay all the same');
  await until(t, 'checkout', () => source.acts.at(-1)?.command === 'basket.checkout');
  t.pass();
});

test('somebody is called by one touch, is told to come, and is no longer needed by another', async (t) => {
  const { page, source } = await open(t, { basket: basketOf(lines) });
  await touch(page, 'Call someone');
  await until(t, 'the call', () => source.acts.length === 1);
  t.like(source.acts[0], { command: 'basket.help', args: { by: { role: 'shopper' } } });
  source.change({ basket: basketOf(lines, { help: true }) });
  await page.getByText('Someone has been called.').waitFor();
  await touch(page, 'No longer needed');
  await until(t, 'the end of it', () => source.acts.length === 2);
  t.like(source.acts[1], { command: 'basket.help', args: { over: true } });
});

test('a lost answer is asked for again under the same transaction', async (t) => {
  const { page, source } = await open(t, { basket: basketOf(lines) });
  let calls = 0;
  await page.route('**/api/act', async (route) => {
    calls += 1;
    if (calls > 1) return route.continue();
    await route.fetch();
    return route.abort();
  });
  await touch(page, 'Call someone');
  await until(t, 'both tries', () => source.acts.length === 2);
  t.is(source.acts[0]?.transaction, source.acts[1]?.transaction);
});

test('offers: what goes with the cart and what is near stand beside the receipt, all of them on a screen', async (t) => {
  const { page, source } = await open(t, { basket: basketOf(lines), deals });
  await page.locator('.side').getByText('Tomato sauce, 400 g').waitFor();
  t.is(await page.locator('.side').getByText('Bread of the week').count(), 0);
  await touch(page, 'Offers');
  await page.getByRole('heading', { name: 'Near you' }).waitFor();
  await page.getByText('Bread of the week').waitFor();
  source.change({ deals: [] });
  await page.getByText('There are no offers now.').waitFor();
  t.pass();
});

test('names from outside are text, whatever they hold', async (t) => {
  const hostile = '<img src=x onerror=alert(1)><script>alert(2)</script><b>bold</b>';
  const { page, complaints } = await open(t, {
    basket: basketOf(lines.map((line) => ({ ...line, name: hostile }))),
    questions: [{ ...chooseApples, candidates: [{ name: hostile, sale: 'each', count: 1, gtin: '0' }] }],
    deals: [{ id: hostile, title: hostile, titles: { en: hostile }, place: hostile, why: 'basket' }],
    device: hostile,
  });
  t.is(await page.locator('main script, main b, [onerror]').count(), 0);
  t.true((await mainText(page)).includes(hostile));
  t.deepEqual(complaints, []);
});
