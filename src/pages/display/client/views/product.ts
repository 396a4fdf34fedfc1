import { h } from '../dom.ts';

/** A product's picture; without one, the first letter of its name in a frame. Its name stands beside it in words. */
export function picture({
  picture,
  name,
}: {
  readonly picture?: string;
  readonly name: string;
}): HTMLElement {
  if (picture !== undefined) {
    return h('img', { src: picture, alt: '', class: 'picture', width: 80, height: 80, decoding: 'async' });
  }
  const [letter = '?'] = name;
  return h('span', { class: 'picture letter', 'aria-hidden': 'true' }, letter.toLocaleUpperCase());
}
