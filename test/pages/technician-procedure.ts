import type { Page } from 'playwright-core';

type Hands = (massMg: number, at?: string) => Promise<void>;

const factors: Readonly<Record<string, number>> = { kg: 1_000_000, g: 1_000, mg: 1 };

/** Waits until an expression is true in the page, whose policy keeps what evaluates text inside of it out. Rejects after a minute. */
export async function until(page: Page, expression: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if ((await page.evaluate(expression)) === true) return;
    await page.waitForTimeout(100);
  }
  throw new Error(`the page never came to ${expression}`);
}

/** What the page says that has to be done next; undefined where nothing is left but to put the result in force. */
export async function nextStep(page: Page): Promise<string | undefined> {
  await page.locator('#say, .confirm, [data-act=commit], #t-ended, #t-in-force').first().waitFor();
  const say = page.locator('#say');
  return (await say.count()) === 0 ? undefined : (await say.innerText()).trim();
}

/** Puts on the plate what the sentence says. */
export async function obey(sentence: string, hands: Hands): Promise<void> {
  if (/^Empty/.test(sentence)) return await hands(0);
  const [, amount = '', unit = '', place = ''] =
    /(\d[\d.]*) (kg|g|mg) (in the middle|over \S+)\./.exec(sentence) ?? [];
  if (amount === '') return;
  await hands(Number(amount) * (factors[unit] ?? 0), place.startsWith('over ') ? place.slice(5) : 'centre');
}

/** Does what the page says next, and waits until it says something else; answers with what was done. */
export async function doStep(page: Page, hands: Hands): Promise<string | undefined> {
  const sentence = await nextStep(page);
  if (sentence === undefined) return undefined;
  await obey(sentence, hands);
  const done = await page.locator('.steps li.done').count();
  const before = await page.locator('.problem').count();
  await page.locator('[data-act=step]').click();
  // What was refused before is no longer shown while this step is taken.
  if (before > 0) await page.locator('.problem').waitFor({ state: 'detached' });
  await until(
    page,
    `document.querySelectorAll('.steps li.done').length > ${done} || document.querySelector('.problem') !== null`,
  );
  const problem = page.locator('.problem');
  if ((await problem.count()) > 0) throw new Error(`${sentence} ${await problem.innerText()}`);
  await page.locator('.busy').waitFor({ state: 'detached' });
  return sentence;
}

/** Makes a plan with these weights, and begins. */
export async function beginWork(
  page: Page,
  weights: string,
  purpose: 'calibrate' | 'verify' = 'calibrate',
): Promise<void> {
  await page.getByLabel('What for').selectOption(purpose);
  await page.getByLabel('Weights at hand').fill(weights);
  await page.getByLabel('Temperature, °C (optional)').fill('21.5');
  await page.getByRole('button', { name: 'Make a plan' }).click();
  await page.getByRole('button', { name: 'Begin', exact: true }).click();
  await page.locator('[data-key=lease]').waitFor();
}
