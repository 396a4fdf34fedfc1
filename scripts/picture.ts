/**
 * Takes a picture of a page that is being served, with the Chromium of the system:
 * `node scripts/picture.ts URL OUT.png [--width=1280] [--height=0] [--dark] [--after=SECONDS]`. Height 0 is the whole page.
 */
import { parseArgs } from 'node:util';
import { openChromium } from '../test/pages/chromium.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    width: { type: 'string', default: '1280' },
    height: { type: 'string', default: '0' },
    after: { type: 'string', default: '3' },
    dark: { type: 'boolean', default: false },
  },
});
const [url, out] = positionals;
if (url === undefined || out === undefined) {
  console.error(
    'usage: node scripts/picture.ts URL OUT.png [--width=1280] [--height=0] [--dark] [--after=SECONDS]',
  );
  process.exit(64);
}
const height = Number(values.height);
await using browser = await openChromium();
const page = await browser.newPage({
  viewport: { width: Number(values.width), height: height === 0 ? 900 : height },
  colorScheme: values.dark ? 'dark' : 'light',
});
await page.goto(url);
await page.waitForTimeout(Number(values.after) * 1000);
await page.screenshot({ path: out, fullPage: height === 0 });
console.log(`${out} shows ${url}`);
