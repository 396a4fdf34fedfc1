import { type Child, h } from '../../../client/dom.ts';
import { enrol, Refused } from '../enrol.ts';
import { forgetKey } from '../key-store.ts';
import type { OwnKey } from '../keys.ts';
import { plainCode } from '../proof.ts';
import type { Settings, View } from '../view.ts';
import { badge, button, card, facts, field } from './parts.ts';

interface SignInHandlers {
  readonly settings: Settings;
  readonly refused: boolean;
  key(key: OwnKey | undefined): void;
  signIn(username: string, password: string): void;
  draw(): void;
}

const codeLength = 8;

/** The first screen: a key for this browser, where it has none, and the login of the broker. */
export class SignIn implements View {
  readonly title = 'Sign in';
  readonly #handlers: SignInHandlers;
  #key: OwnKey | undefined;
  #problem = '';
  #busy = false;
  #forgetting = false;

  constructor(handlers: SignInHandlers, key: OwnKey | undefined) {
    this.#handlers = handlers;
    this.#key = key;
  }

  draw(): Child {
    return h(
      'div',
      { class: 'narrow' },
      h('h1', { tabindex: -1 }, 'Technicians’ console'),
      this.#key === undefined ? this.#enrolment() : this.#own(this.#key),
      this.#key !== undefined && this.#login(),
    );
  }

  #enrolment(): HTMLElement {
    return card(
      'Enrol this browser',
      h(
        'p',
        {},
        'Commands are signed by a key that is made in this browser and never leaves it. To enrol it, ask an operator for a one-time code:',
      ),
      h(
        'pre',
        { tabindex: 0 },
        `scripts/cartwright console code -s ${this.#handlers.settings.store} --who NUMBER`,
      ),
      h(
        'form',
        { 'data-form': 'enrol' },
        field(
          'One-time code',
          'code',
          { required: true, maxlength: 12, class: 'code', autocapitalize: 'characters', spellcheck: 'false' },
          'Eight letters and digits, valid for ten minutes.',
        ),
        this.#problem !== '' && h('p', { class: 'problem', role: 'alert' }, this.#problem),
        h(
          'button',
          { type: 'submit', class: 'main', disabled: this.#busy },
          this.#busy ? 'Making a key …' : 'Enrol',
        ),
      ),
    );
  }

  #own({ role, who, id, status, algorithm }: OwnKey): HTMLElement {
    return card(
      'Your key',
      facts([
        ['Role', role],
        ['Number', who],
        ['Key', h('code', {}, `${id} (${algorithm})`)],
        [
          'State',
          status === 'enrolled'
            ? badge('good', 'enrolled')
            : badge('warn', 'requested: it works when it is in the published list'),
        ],
      ]),
      this.#forgetting
        ? h(
            'div',
            { class: 'row' },
            h(
              'p',
              {},
              'Remove the key from this browser? It can not be brought back; a new one needs a new code.',
            ),
            button('Remove it', 'forget-really', { class: 'danger' }),
            button('Keep it', 'forget-not'),
          )
        : button('Remove from this browser', 'forget', { class: 'quiet' }),
    );
  }

  #login(): HTMLElement {
    const { refused } = this.#handlers;
    return card(
      'Sign in to the broker',
      h(
        'form',
        { 'data-form': 'login' },
        field('User name', 'username', { required: true, autocomplete: 'username', autocapitalize: 'none' }),
        field('Password', 'password', { required: true, type: 'password', autocomplete: 'current-password' }),
        refused &&
          h(
            'p',
            { class: 'problem', role: 'alert' },
            'The broker does not take this user name and password.',
          ),
        h('button', { type: 'submit', class: 'main' }, 'Sign in'),
      ),
      h(
        'p',
        { class: 'hint' },
        'The login only opens the way to the broker. What you may do is decided by your key.',
      ),
    );
  }

  async act(name: string): Promise<void> {
    if (name === 'forget') this.#forgetting = true;
    if (name === 'forget-not') this.#forgetting = false;
    if (name === 'forget-really') {
      await forgetKey(this.#handlers.settings.store);
      this.#forgetting = false;
      this.#key = undefined;
      this.#handlers.key(undefined);
    }
    this.#handlers.draw();
  }

  async submit(name: string, form: FormData): Promise<void> {
    if (name === 'login') {
      this.#handlers.signIn(String(form.get('username')), String(form.get('password')));
      return;
    }
    const code = String(form.get('code'));
    if (plainCode(code).length !== codeLength) {
      this.#problem = 'A code has eight letters and digits, as K7QM-2F9X.';
      this.#handlers.draw();
      return;
    }
    this.#busy = true;
    this.#problem = '';
    this.#handlers.draw();
    try {
      this.#key = await enrol(code, this.#handlers.settings.store);
      this.#handlers.key(this.#key);
    } catch (error) {
      this.#problem =
        error instanceof Refused
          ? `${error.message} (${error.code})`
          : `A key can not be made: ${String(error)}`;
    }
    this.#busy = false;
    this.#handlers.draw();
  }
}
