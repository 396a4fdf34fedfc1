import { byId, h, show } from '../../client/dom.ts';
import { loadKey } from './key-store.ts';
import { ConsolePage } from './page.ts';
import type { Settings } from './view.ts';

async function begin(): Promise<void> {
  const response = await fetch('/api/settings');
  if (!response.ok) throw new Error(`the console answers ${response.status}`);
  const settings = (await response.json()) as Settings;
  const key = await loadKey(settings.store);
  // What became of a key without an answer is not known: the code is typed again.
  new ConsolePage(settings, key?.status === 'asked' ? undefined : key).begin();
}

begin().catch((error: unknown) => {
  show(
    byId('main'),
    h('p', { class: 'problem', role: 'alert' }, `The console can not be used: ${String(error)}`),
  );
});
