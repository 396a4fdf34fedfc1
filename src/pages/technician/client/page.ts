import { byId, h, show } from '../../client/dom.ts';
import { type Answer, Broker, type Heard, type Link, type Login } from './broker.ts';
import { Fleet } from './fleet.ts';
import { KeyBook } from './key-book.ts';
import { keepKey } from './key-store.ts';
import type { OwnKey } from './keys.ts';
import { type HeldSession, Leases } from './leases.ts';
import type { Desk, Settings, View } from './view.ts';
import { DeviceView } from './views/device-view.ts';
import { FleetView } from './views/fleet-view.ts';
import { KeysView } from './views/keys-view.ts';
import { badge, button } from './views/parts.ts';
import { SignIn } from './views/sign-in.ts';

const loginName = 'cartwright-login';
const leasesName = 'cartwright-leases';
const tickEveryMs = 1_000;
/** Not more often than that, ms: live values come ten times a second and more. */
const drawEveryMs = 150;

/** The whole page: who is signed in, which view is open, and what is told of the connection. */
export class ConsolePage implements Desk {
  readonly settings: Settings;
  readonly fleet = new Fleet();
  readonly leases: Leases;
  readonly #book = new KeyBook();
  #broker: Broker | undefined;
  #key: OwnKey | undefined;
  #link: Link = 'connecting';
  #view: View;
  #drawn = 0;
  #waiting = false;
  #loginRefused = false;

  constructor(settings: Settings, key: OwnKey | undefined) {
    this.settings = settings;
    this.#key = key;
    this.#view = this.#signIn();
    this.leases = new Leases(
      {
        connected: () => this.#broker?.connected === true,
        ask: (...asked) => this.broker.ask(...asked),
        nowMs: () => performance.now(),
        changed: (held) => sessionStorage.setItem(leasesName, JSON.stringify(held)),
        lost: (device, message) => this.tell(`${device}: ${message}`, 'bad'),
      },
      JSON.parse(sessionStorage.getItem(leasesName) ?? '[]') as readonly HeldSession[],
    );
  }

  get key(): OwnKey | undefined {
    return this.#key;
  }

  get broker(): Broker {
    if (this.#broker === undefined) throw new Error('nobody is signed in');
    return this.#broker;
  }

  begin(): void {
    document.addEventListener('click', (event) => this.#clicked(event));
    document.addEventListener('submit', (event) => this.#submitted(event));
    document.addEventListener('input', (event) => {
      const input = event.target;
      if (input instanceof HTMLInputElement && input.dataset.change !== undefined)
        this.#view.changed?.(input.dataset.change, input.value);
    });
    document.addEventListener('visibilitychange', () => {
      if (document.hidden || this.#broker === undefined) return;
      this.leases.back();
      this.#view.link?.(this.#link);
    });
    setInterval(() => {
      this.leases.tick();
      if (this.leases.waiting().length > 0) this.draw();
    }, tickEveryMs);
    addEventListener('hashchange', () => this.#route(true));
    const kept = JSON.parse(sessionStorage.getItem(loginName) ?? 'null') as Login | null;
    if (kept !== null && this.#key !== undefined) this.#connect(kept);
    else this.draw();
  }

  draw(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const wait = Math.max(0, drawEveryMs - (performance.now() - this.#drawn));
    setTimeout(() => {
      this.#waiting = false;
      this.#drawn = performance.now();
      this.#show();
    }, wait);
  }

  tell(text: string, kind: 'good' | 'bad' = 'good'): void {
    const note = byId('note');
    note.className = kind;
    note.textContent = text;
  }

  async ask(
    device: string,
    command: string,
    args: Readonly<Record<string, unknown>> = {},
    withinMs?: number,
  ): Promise<Answer> {
    const answer = await this.broker.ask(device, command, args, withinMs);
    if (answer.status === 'refused') this.tell(`${answer.message} (${answer.code})`, 'bad');
    return answer;
  }

  #signIn(): View {
    return new SignIn(
      {
        settings: this.settings,
        refused: this.#loginRefused,
        key: (key) => {
          this.#key = key;
          this.draw();
        },
        signIn: (username, password) => this.#connect({ username, password }),
        draw: () => this.draw(),
      },
      this.#key,
    );
  }

  #connect(login: Login): void {
    this.#loginRefused = false;
    sessionStorage.setItem(loginName, JSON.stringify(login));
    this.#link = 'connecting';
    this.#broker = new Broker(
      { url: this.settings.broker, store: this.settings.store, login },
      { heard: (heard) => this.#heard(heard), link: (link) => this.#linked(link) },
    );
    this.#broker.key = this.#key;
    this.#route(false);
  }

  #signOut(): void {
    this.#view.close?.();
    this.#broker?.close();
    this.#broker = undefined;
    sessionStorage.removeItem(loginName);
    this.#view = this.#signIn();
    this.draw();
  }

  #linked(link: Link): void {
    this.#link = link;
    if (link === 'refused') {
      this.#loginRefused = true;
      this.#signOut();
      return;
    }
    if (link === 'connected') this.leases.back();
    this.#view.link?.(link);
    this.draw();
  }

  #heard(heard: Heard): void {
    this.#view.heard?.(heard);
    if (heard.device === '_store' && heard.topic === 'keys') void this.#listed(heard.payload);
    else this.fleet.take(heard);
    this.draw();
  }

  /** A key that was requested is enrolled when it is in the published list. */
  async #listed(payload: Uint8Array): Promise<void> {
    await this.#book.take(payload);
    const key = this.#key;
    if (key?.status === 'requested' && this.#book.standing(key.id) === 'valid') {
      this.#key = { ...key, status: 'enrolled' };
      await keepKey(this.#key);
      if (this.#broker !== undefined) this.#broker.key = this.#key;
    }
    this.draw();
  }

  #route(moved: boolean): void {
    if (this.#broker === undefined) return;
    this.#view.close?.();
    const [first, second] = location.hash.replace(/^#\/?/, '').split('/');
    if (first === undefined || first === '') this.#view = new FleetView(this);
    else if (first === '_keys') this.#view = new KeysView(this, this.#book);
    else if (/^[a-z0-9-]{1,64}$/.test(first)) this.#view = new DeviceView(this, first, second);
    else this.#view = new FleetView(this);
    this.tell('');
    this.#show();
    // Who moves by keyboard or hears the page is where the new screen begins.
    if (moved) document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
    if (moved) scrollTo(0, 0);
  }

  #show(): void {
    document.title = `${this.#view.title} · ${this.settings.store} · Cartwright`;
    show(byId('top'), ...this.#top());
    show(
      byId('main'),
      this.#banner(),
      ...this.#stillThere(),
      h('div', { 'data-key': this.#view.title }, this.#view.draw()),
    );
  }

  #top(): readonly (HTMLElement | false)[] {
    const isIn = this.#broker !== undefined;
    const link = this.#link === 'connected' ? badge('good', 'connected') : badge('warn', 'connecting …');
    const key = this.#key;
    return [
      h(
        'a',
        { class: 'home', href: '#/' },
        h('strong', {}, 'Cartwright'),
        h('span', {}, this.settings.store),
      ),
      isIn && h('span', { role: 'status' }, link),
      h('span', { class: 'space' }),
      isIn && key !== undefined && h('span', { class: 'who' }, `${key.role} ${key.who}`),
      isIn && h('a', { class: 'link', href: '#/_keys' }, 'Keys'),
      isIn && button('Sign out', 'sign-out', { class: 'quiet' }),
    ];
  }

  /** What keeps this browser's key from commanding. */
  #banner(): HTMLElement | false {
    const key = this.#key;
    if (this.#broker === undefined || key === undefined || this.#book.version === undefined) return false;
    const standing = this.#book.standing(key.id);
    if (standing === 'valid') return false;
    const text =
      standing === 'revoked'
        ? 'Your key has been revoked: devices refuse what it signs. Sign out, remove it from this browser, and ask an operator for a new code.'
        : `Your key is not in the published list yet. Whoever holds the root key has to add it: ${key.id}`;
    return h('p', { class: 'problem', role: 'alert', 'data-key': 'banner' }, text);
  }

  /** Whatever tab is open: a session that nobody works on ends, unless somebody says that he is there. */
  #stillThere(): readonly HTMLElement[] {
    if (this.#broker === undefined) return [];
    return this.leases.waiting().map((device) => {
      const left = this.leases.leftS(device);
      return h(
        'div',
        { class: 'problem row', role: 'alert', 'data-key': `still-${device}` },
        h(
          'p',
          {},
          h('strong', {}, `Are you still working on ${device}?`),
          ` Without an answer the session ends${left === undefined ? ' soon' : ` in ${Math.ceil(left / 60)} min`}, the scale weighs as before, and what was measured is lost.`,
        ),
        button('Go on', 'go-on', { 'data-device': device, disabled: this.#link !== 'connected' }),
      );
    });
  }

  async #goOn(device: string): Promise<void> {
    const answer = await this.leases.goOn(device);
    if (answer?.status === 'refused') this.tell(`${answer.message} (${answer.code})`, 'bad');
    this.draw();
  }

  #clicked(event: Event): void {
    const target = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-act]') : null;
    const name = target?.dataset.act;
    if (target === null || name === undefined || target.hasAttribute('disabled')) return;
    if (name === 'sign-out') this.#signOut();
    else if (name === 'go-on') void this.#goOn(target.dataset.device ?? '');
    else void this.#view.act?.(name, target);
  }

  #submitted(event: Event): void {
    event.preventDefault();
    if (!(event.target instanceof HTMLFormElement)) return;
    void this.#view.submit?.(event.target.dataset.form ?? '', new FormData(event.target));
  }
}
