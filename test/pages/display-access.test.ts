import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import anyTest from 'ava';
import type { Browser, Page } from 'playwright-core';
import { needs } from '../tools.ts';
import { openChromium } from './chromium.ts';
import { measure } from './display-measure.ts';
import { openDisplay, playScene, scenes } from './display-scenes.ts';
import { ScriptedDisplay } from './display-source.ts';

const test = needs(anyTest, 'chromium').serial;
const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** 15 mm at 149 CSS pixels an inch, the assumed panel of 10.1" with 1280 x 800: 87.99. */
const targetPx = (15 / 25.4) * 149 - 0.01;
const limits = { smallestPx: 24, targetPx, contrast: 7 };
const languages = ['en', 'de', 'it', 'tr'] as const;

let browser: Browser | undefined;
anyTest.after.always('close the browser', () => browser?.close());

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What axe-core finds by WCAG 2.2, A to AAA, and by what it calls best practice. */
async function axe(page: Page): Promise<string[]> {
  const found = await page.evaluate<readonly Violation[]>(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag2aaa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.slice(0, 3).map(({ html, failureSummary }) => ({ html, failureSummary })) })))`,
  );
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
}

for (const language of languages) {
  test(`every screen in ${language}: letters of 24 px, contrast of 7:1, targets of 15 mm, help, nothing cut off`, async (t) => {
    browser ??= await openChromium();
    const source = new ScriptedDisplay({}, { languages: [language] });
    const { page, complaints } = await openDisplay(t, browser, source);
    for (const scene of scenes) {
      await playScene(page, source, scene);
      const found = await measure(page, limits);
      t.true(found.texts > 3 && found.targets > 0, scene.name);
      t.deepEqual(found.small, [], `${scene.name}: letters`);
      t.deepEqual(found.faint, [], `${scene.name}: contrast`);
      t.deepEqual(found.narrow, [], `${scene.name}: targets`);
      t.deepEqual(found.cut, [], `${scene.name}: cut off`);
      t.true(await page.locator('[data-act=call]').last().isVisible(), `${scene.name}: help`);
    }
    t.deepEqual(complaints, []);
  });
}

test('axe-core finds nothing against any screen', async (t) => {
  browser ??= await openChromium();
  const source = new ScriptedDisplay();
  const { page } = await openDisplay(t, browser, source);
  const script = await readFile(axePath, 'utf8');
  await page.evaluate(script);
  for (const scene of scenes) {
    await playScene(page, source, scene);
    t.deepEqual(await axe(page), [], scene.name);
  }
});

test('the measurement finds what is too small, too faint, too narrow and cut off', async (t) => {
  browser ??= await openChromium();
  const { page } = await openDisplay(t, browser);
  const bad = `
    const button = document.createElement('button');
    button.textContent = 'a very long word that does not fit in at all';
    Object.assign(button.style, { flex: 'none', fontSize: '20px', width: '60px', minWidth: '0', color: '#777', whiteSpace: 'nowrap', padding: '0' });
    document.querySelector('#main').append(button);`;
  await page.evaluate(bad);
  const found = await measure(page, limits);
  t.is(found.small.length, 1);
  t.is(found.faint.length, 1);
  t.is(found.narrow.length, 1);
  t.is(found.cut.length, 1);
});

test('a panel with finer pixels gets larger targets', async (t) => {
  browser ??= await openChromium();
  const { page } = await openDisplay(t, browser, new ScriptedDisplay({}, { pixelsPerInch: 220 }));
  const { narrow } = await measure(page, { ...limits, targetPx: (15 / 25.4) * 220 });
  t.deepEqual(narrow, []);
});
