import { type Browser, chromium } from 'playwright-core';
import { findTool } from '../tools.ts';

/** Keeps a browser from talking to anyone but the page. */
const quietly = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts the system's Chromium, with more arguments if there are any. Throws where there is none. */
export function openChromium(more: readonly string[] = []): Promise<Browser> {
  const path = findTool('chromium') ?? findTool('chromium-browser');
  if (path === undefined) throw new Error('chromium is not installed (Debian: apt-get install chromium)');
  return chromium.launch({ executablePath: path, args: [...quietly, ...more] });
}
