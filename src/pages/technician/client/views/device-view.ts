import { type Child, h } from '../../../client/dom.ts';
import type { Heard, Link } from '../broker.ts';
import type { Desk, View } from '../view.ts';
import { AuditTab } from './audit-tab.ts';
import { CalibrateTab } from './calibrate-tab.ts';
import { DiagnoseTab } from './diagnose-tab.ts';
import { calibrationText, conditionBadge } from './fleet-view.ts';
import { HistoryTab } from './history-tab.ts';
import { LiveTab } from './live-tab.ts';
import { SettingsTab } from './settings-tab.ts';

const tabs = [
  ['live', 'Live', LiveTab],
  ['calibrate', 'Calibrate', CalibrateTab],
  ['diagnose', 'Diagnose', DiagnoseTab],
  ['history', 'History', HistoryTab],
  ['audit', 'Audit log', AuditTab],
  ['device', 'Device', SettingsTab],
] as const;

/** One device: its state, and the tab that is open. */
export class DeviceView implements View {
  readonly title: string;
  readonly #desk: Desk;
  readonly #device: string;
  readonly #name: string;
  readonly #tab: View;

  constructor(desk: Desk, device: string, tab: string | undefined) {
    const [name, title, Tab] = tabs.find(([one]) => one === tab) ?? tabs[0];
    this.#desk = desk;
    this.#device = device;
    this.#name = name;
    this.title = `${title} · ${device}`;
    this.#tab = new Tab(desk, device);
  }

  draw(): Child {
    const device = this.#desk.fleet.get(this.#device);
    return [
      h(
        'div',
        { class: 'headline' },
        h('h1', { tabindex: -1 }, this.#device),
        device !== undefined && conditionBadge(device),
        device !== undefined && h('p', { class: 'summary' }, `Calibration: ${calibrationText(device)}`),
      ),
      h(
        'nav',
        { class: 'tabs', 'aria-label': 'Parts of this device' },
        tabs.map(([name, label]) =>
          h(
            'a',
            { href: `#/${this.#device}/${name}`, 'aria-current': name === this.#name ? 'page' : undefined },
            label,
          ),
        ),
      ),
      h('div', { class: 'tab', 'data-key': `tab-${this.#name}` }, this.#tab.draw()),
    ];
  }

  act(name: string, target: HTMLElement) {
    return this.#tab.act?.(name, target);
  }

  submit(name: string, form: FormData) {
    return this.#tab.submit?.(name, form);
  }

  changed(name: string, value: string): void {
    this.#tab.changed?.(name, value);
  }

  heard(heard: Heard): void {
    this.#tab.heard?.(heard);
  }

  link(link: Link): void {
    this.#tab.link?.(link);
  }

  close(): void {
    this.#tab.close?.();
  }
}
