import { byId, h, show } from '../../client/dom.ts';
import type { PhoneBasket } from '../source.ts';
import type { Address } from './address.ts';
import { Cart, type Heard, type Link } from './cart.ts';
import { CodeCamera } from './code-camera.ts';
import { receipt } from './receipt.ts';
import type { Speech } from './speech.ts';
import { type Code, typedCode } from './typed-code.ts';
import type { Sentence } from './words/words.ts';

const outcomes: Readonly<Record<Heard, Sentence>> = {
  taken: 'taken',
  refused: 'refused',
  'too-often': 'tooOften',
  unheard: 'unheard',
};
/** A short buzz for what was taken, a long one for what was not, ms. */
const buzzMs = { taken: 60, other: 400 };

/** What the shopper sees and touches on the phone. */
export class PhonePage {
  readonly #speech: Speech;
  readonly #address: Address | undefined;
  readonly #camera: CodeCamera;
  readonly #cart: Cart | undefined;
  #link: Link = 'connecting';
  #basket: PhoneBasket | undefined;

  constructor(speech: Speech, address: Address | undefined) {
    this.#speech = speech;
    this.#address = address;
    this.#camera = new CodeCamera(byId('video') as HTMLVideoElement, (code) => void this.#scan(code));
    if (address === undefined) return;
    this.#cart = new Cart(address, {
      basket: (basket) => {
        this.#basket = basket;
        this.#draw();
      },
      link: (link) => {
        this.#link = link;
        if (link === 'ended') this.#stopCamera();
        this.#draw();
      },
    });
  }

  begin(): void {
    this.#draw();
    document.addEventListener('click', (event) => {
      const target = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-act]') : null;
      if (target?.dataset.act === 'scan') void this.#toggleCamera();
      if (target?.dataset.act === 'leave') void this.#cart?.leave();
    });
    document.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#typed();
    });
    void this.#cart?.open();
  }

  #draw(): void {
    const speech = this.#speech;
    const address = this.#address;
    if (address === undefined) {
      show(byId('main'), h('p', { class: 'empty' }, speech.say('noCode')));
      return;
    }
    const device = address.device.replace(/^cart-(?=\d)/, '');
    const link = h('span', { class: `link ${this.#link}` }, speech.say(this.#link));
    show(byId('top'), h('h1', {}, speech.say('cart', { device })), link);
    const how = this.#link === 'silent' ? 'silentHow' : this.#link === 'ended' ? 'endedHow' : undefined;
    show(
      byId('main'),
      how !== undefined && h('p', { class: 'state', 'data-key': 'how' }, speech.say(how)),
      this.#basket === undefined ? [] : receipt(speech, this.#basket),
    );
    const shops = this.#link === 'joined' && this.#basket?.state !== 'paid';
    show(byId('bar'), shops ? this.#ways() : []);
  }

  #ways(): readonly HTMLElement[] {
    const speech = this.#speech;
    const running = this.#camera.running;
    return [
      h(
        'button',
        { type: 'button', class: 'main', 'data-act': 'scan', 'aria-pressed': String(running) },
        speech.say(running ? 'stop' : 'scan'),
      ),
      h(
        'form',
        {},
        h('label', { for: 'typed' }, speech.say('type')),
        h('input', { id: 'typed', inputmode: 'numeric', autocomplete: 'off', maxlength: 20 }),
        h('button', { type: 'submit' }, speech.say('send')),
      ),
      h('button', { type: 'button', 'data-act': 'leave' }, speech.say('leave')),
    ];
  }

  async #toggleCamera(): Promise<void> {
    if (this.#camera.running) {
      this.#stopCamera();
      this.#draw();
      return;
    }
    try {
      await this.#camera.start();
      byId('camera').hidden = false;
      this.#note('aim');
    } catch {
      this.#stopCamera();
      this.#note('noCamera');
    }
    this.#draw();
  }

  #stopCamera(): void {
    this.#camera.stop();
    byId('camera').hidden = true;
  }

  #typed(): void {
    const input = byId('typed') as HTMLInputElement;
    const code = typedCode(input.value);
    if (code === undefined) {
      this.#note('noNumber');
      return;
    }
    input.value = '';
    void this.#scan(code);
  }

  async #scan({ text, symbology }: Code): Promise<void> {
    const heard = (await this.#cart?.scan(text, symbology)) ?? 'unheard';
    navigator.vibrate?.(heard === 'taken' ? buzzMs.taken : buzzMs.other);
    this.#note(outcomes[heard]);
  }

  #note(sentence: Sentence): void {
    byId('note').textContent = this.#speech.say(sentence);
  }
}
