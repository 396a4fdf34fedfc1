import { h } from '../../client/dom.ts';
import { post, Refused } from './enrol.ts';
import type { Desk } from './view.ts';

/** Hands a file to the browser's downloads. */
export function saveFile(name: string, type: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * Asks a device for the report of a revision or of the session that is under way, has the console make a page of it, and shows
 * that in a window of its own, or saves it as a file. What is refused is told.
 */
export async function showReport(
  desk: Desk,
  device: string,
  of: { readonly revision: number } | { readonly session: string },
  how: 'window' | 'file',
): Promise<void> {
  // Opened at once: a window that comes later, browsers take for an advertisement.
  const tab = how === 'window' ? open('', '_blank') : null;
  const answer = await desk.ask(device, 'calibration.report', of);
  try {
    if (answer.status !== 'done') throw new Refused('', '');
    const { path } = (await post('/api/report', String(answer.data.report), 'application/json')) as {
      readonly path: string;
    };
    const name = 'revision' in of ? `revision-${of.revision}` : 'session';
    if (tab !== null) tab.location.href = path;
    else saveFile(`${device}-report-${name}.html`, 'text/html', await (await fetch(path)).text());
  } catch (error) {
    tab?.close();
    if (!(error instanceof Refused)) throw error;
    if (error.code !== '') desk.tell(`${error.message} (${error.code})`, 'bad');
  }
}
