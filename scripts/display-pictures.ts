/**
 * Takes a picture of every screen of the shopper's display, or of those named, as a cart's panel of 1280 × 800 shows it:
 * `node scripts/display-pictures.ts FOLDER [SCENE …] [--language=de] [--scale=0.625]`. The scenes are those of test/pages/display-scenes.ts.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { silentLogger } from '#base/log.ts';
import { startDisplayPage } from '#pages/display/server.ts';
import { openChromium } from '../test/pages/chromium.ts';
import { playScene, scenes } from '../test/pages/display-scenes.ts';
import { ScriptedDisplay } from '../test/pages/display-source.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { language: { type: 'string', default: 'en' }, scale: { type: 'string', default: '1' } },
});
const [folder, ...names] = positionals;
if (folder === undefined) {
  console.error('usage: node scripts/display-pictures.ts FOLDER [SCENE …] [--language=en] [--scale=1]');
  process.exit(64);
}
const strange = names.find((name) => !scenes.some((scene) => scene.name === name));
if (strange !== undefined) {
  console.error(`there is no scene "${strange}": ${scenes.map(({ name }) => name).join(', ')}`);
  process.exit(64);
}
mkdirSync(folder, { recursive: true });
const { language } = values;
const languages = [language, ...['en', 'de', 'it', 'tr'].filter((code) => code !== language)];
const source = new ScriptedDisplay({}, { languages });
const server = await startDisplayPage({ port: 0, source, log: silentLogger });
await using browser = await openChromium();
const context = await browser.newContext({
  viewport: { width: 1280, height: 800 },
  deviceScaleFactor: Number(values.scale),
  hasTouch: true,
});
const page = await context.newPage();
page.setDefaultTimeout(120_000);
await page.goto(server.url, { waitUntil: 'domcontentloaded' });
for (const scene of scenes) {
  if (names.length > 0 && !names.includes(scene.name)) continue;
  await playScene(page, source, scene);
  await page.evaluate('Promise.all([...document.images].map((image) => image.decode().catch(() => {})))');
  const path = join(folder, `display-${scene.name.replaceAll(' ', '-')}.png`);
  await page.screenshot({ path, animations: 'disabled' });
  console.log(path);
}
await server.close();
