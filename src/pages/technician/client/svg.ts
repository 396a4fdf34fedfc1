import type { Attributes, Child } from '../../client/dom.ts';

const namespace = 'http://www.w3.org/2000/svg';

/** Makes an element of a picture, as `h` makes one of the page. */
export function svg(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): SVGElement {
  const element = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat(4)) {
    if (typeof child === 'string' || child instanceof Node) element.append(child);
  }
  return element;
}

/** A whole picture with a name for who can't see it. */
export function picture(
  box: readonly [x: number, y: number, width: number, height: number],
  label: string,
  className: string,
  ...children: readonly Child[]
): SVGElement {
  return svg(
    'svg',
    { viewBox: box.join(' '), role: 'img', 'aria-label': label, class: className },
    ...children,
  );
}
