import { type Child, h } from '../../../client/dom.ts';
import { faultsOf } from '../fleet.ts';
import { duration, moment } from '../format.ts';
import type { Desk, View } from '../view.ts';
import { calibrationText } from './fleet-view.ts';
import { badge, button, card, choice, facts, table } from './parts.ts';

const levels = ['trace', 'debug', 'info', 'warn', 'error'].map((level) => [level, level] as const);

/** Software, firmware and faults of a device, its log level, and the configuration in force. */
export class SettingsTab implements View {
  readonly title = 'Device';
  readonly #desk: Desk;
  readonly #device: string;
  #shown: { readonly config: string; readonly board: string; readonly sha256: string } | undefined;

  constructor(desk: Desk, device: string) {
    this.#desk = desk;
    this.#device = device;
  }

  async act(name: string): Promise<void> {
    if (name !== 'config') return;
    const answer = await this.#desk.ask(this.#device, 'config.show');
    if (answer.status !== 'done') return;
    const { config, board, sha256 } = answer.data;
    this.#shown = { config: String(config), board: String(board), sha256: String(sha256) };
    this.#desk.draw();
  }

  async submit(_name: string, form: FormData): Promise<void> {
    const level = String(form.get('level'));
    const answer = await this.#desk.ask(this.#device, 'log.level', { level });
    if (answer.status === 'done')
      this.#desk.tell(`The log of ${this.#device} is at level ${level} until its next start.`, 'good');
  }

  draw(): Child {
    const device = this.#desk.fleet.get(this.#device);
    const { state, health } = device ?? {};
    const faults = health === undefined ? [] : faultsOf(health);
    return [
      card(
        'Software',
        facts([
          ['Software', state?.software ?? 'unknown'],
          ['Since', state?.since === undefined ? 'unknown' : moment(state.since)],
          ['Start number', String(state?.boot ?? 'unknown')],
          ['Catalogue', state?.versions?.catalogue ?? 'none'],
          ['Vision model', state?.versions?.model ?? 'none'],
          ['Calibration', device === undefined ? 'unknown' : calibrationText(device)],
          ['Clock', health?.timeQuality ?? 'unknown'],
          ['Running for', health === undefined ? 'unknown' : duration(health.uptimeS)],
          ['Events waiting', health === undefined ? 'unknown' : String(health.outboxEvents)],
          ['Commands', health?.keys?.signed === true ? 'signed ones only' : 'signed or not'],
          [
            'List of keys',
            health?.keys?.storeVersion === undefined
              ? 'none of the store'
              : `version ${health.keys.storeVersion}`,
          ],
        ]),
      ),
      card(
        'Faults',
        faults.length === 0
          ? h('p', {}, badge('good', 'none'))
          : h(
              'ul',
              { class: 'faults' },
              faults.map(({ id, code }) => h('li', {}, badge('bad', code), ` ${id}`)),
            ),
      ),
      (state?.devices ?? []).length > 0 &&
        card(
          'Parts and their firmware',
          table(
            'Parts',
            ['Part', 'Driver', 'Model', 'Serial number', 'Firmware'],
            (state?.devices ?? []).map(({ id, driver, vendor, model, serial, firmware }) => [
              id,
              driver,
              [vendor, model].filter((one) => one !== undefined).join(' ') || '–',
              serial ?? '–',
              firmware ?? '–',
            ]),
          ),
        ),
      card(
        'Log',
        h(
          'form',
          { 'data-form': 'level', class: 'inline' },
          choice('Level until the next start', 'level', levels, 'info'),
          h('button', { type: 'submit' }, 'Set'),
        ),
        h('p', { class: 'hint' }, 'The change goes on record.'),
      ),
      card(
        'Configuration in force',
        this.#shown === undefined
          ? button('Show', 'config')
          : [
              h('h3', {}, 'Settings'),
              h('pre', { tabindex: 0, 'aria-label': 'Settings' }, this.#shown.config),
              h('h3', {}, 'Board'),
              h('pre', { tabindex: 0, 'aria-label': 'Board' }, this.#shown.board),
              h('p', { class: 'hint' }, `SHA-256 ${this.#shown.sha256}`),
            ],
      ),
    ];
  }
}
