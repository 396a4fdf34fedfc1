import { type Child, h } from '../../../client/dom.ts';
import { post, Refused } from '../enrol.ts';
import { moment } from '../format.ts';
import type { KeyBook } from '../key-book.ts';
import { plainRequest, sign1 } from '../signing.ts';
import type { Desk, View } from '../view.ts';
import { badge, button, card, table } from './parts.ts';

/** Revocations are asked for within so long, ms. */
const withinMs = 60_000;

/** The store's list of keys; operators revoke here. */
export class KeysView implements View {
  readonly title = 'Keys';
  readonly #desk: Desk;
  readonly #book: KeyBook;
  #asking: string | undefined;

  constructor(desk: Desk, book: KeyBook) {
    this.#desk = desk;
    this.#book = book;
  }

  async act(name: string, target: HTMLElement): Promise<void> {
    if (name === 'revoke') this.#asking = target.dataset.key_id;
    if (name === 'revoke-not') this.#asking = undefined;
    if (name === 'revoke-really' && this.#asking !== undefined) await this.#revoke(this.#asking);
    this.#desk.draw();
  }

  async #revoke(id: string): Promise<void> {
    const { key, settings } = this.#desk;
    if (key === undefined) return;
    const issued = Date.now();
    const request = plainRequest({
      transaction: crypto.randomUUID(),
      issued,
      expires: issued + withinMs,
      args: { id },
    });
    const signed = await sign1(request, `cw/1/${settings.store}/_console/key/revoke`, key);
    try {
      await post('/api/revoke', signed, 'application/cose');
      this.#asking = undefined;
      this.#desk.tell(
        'The key is revoked. Devices that are connected refuse it from now on, the others when they are back.',
        'good',
      );
    } catch (error) {
      if (error instanceof Refused) this.#desk.tell(`${error.message} (${error.code})`, 'bad');
    }
  }

  draw(): Child {
    const { keys, version } = this.#book;
    const isOperator = this.#desk.key?.role === 'operator';
    return [
      h(
        'div',
        { class: 'headline' },
        h('h1', { tabindex: -1 }, 'Keys'),
        h(
          'p',
          { class: 'summary' },
          version === undefined ? 'No list is published' : `List ${version}, ${keys.length} keys`,
        ),
      ),
      this.#asking !== undefined &&
        card(
          'Revoke this key?',
          h('p', {}, h('code', {}, this.#asking), ' will sign nothing any more. This can not be taken back.'),
          h(
            'p',
            { class: 'row' },
            button('Revoke it', 'revoke-really', { class: 'danger' }),
            button('Leave it', 'revoke-not'),
          ),
        ),
      card(
        'Whose commands devices take',
        table(
          'Keys',
          ['Role', 'Number', 'Key', 'State', 'Action'],
          keys.map(({ id, role, who, revoked, validTo }) => [
            role,
            who ?? '–',
            h('code', {}, id),
            revoked === true
              ? badge('bad', 'revoked')
              : validTo !== undefined && validTo < Date.now()
                ? badge('plain', `over since ${moment(validTo)}`)
                : badge('good', 'valid'),
            isOperator &&
              revoked !== true &&
              button('Revoke …', 'revoke', {
                'data-key_id': id,
                'aria-label': `Revoke the key of ${role} ${who ?? ''}`,
                class: 'quiet',
              }),
          ]),
        ),
        !isOperator &&
          h('p', { class: 'hint' }, 'An operator revokes keys here, or with scripts/cartwright key revoke.'),
      ),
    ];
  }
}
