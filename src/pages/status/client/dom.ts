type Child = Node | string | undefined | false;
type Attributes = Readonly<Record<string, string | boolean | undefined>>;

/**
 * Makes an element. Text goes in as text nodes only: names of products come from outside and are never markup.
 * An attribute that is `undefined` or `false` is left out.
 */
export function h(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElement {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, '');
    else if (typeof value === 'string') element.setAttribute(name, value);
  }
  for (const child of children) if (child !== undefined && child !== false) element.append(child);
  return element;
}

/** The element of the page's own HTML with this id. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`index.html has no #${id}`);
  return element;
}

/** Replaces what an element holds, unless it already holds the same: a screen reader isn't told twice, a selection survives. */
export function fill(element: HTMLElement, ...children: readonly Child[]): void {
  const next = h('div', {}, ...children);
  if (element.innerHTML === next.innerHTML) return;
  element.replaceChildren(...next.childNodes);
}

export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

const watched = new WeakSet<HTMLElement>();

/** Lets what a scrolling element cuts off at its lower edge fade out, while there is more below. Call it after changes. */
export function fadeBelow(element: HTMLElement): void {
  const show = () => {
    const below = element.scrollHeight - element.clientHeight - element.scrollTop;
    element.classList.toggle('more-below', below > 4);
  };
  if (!watched.has(element)) {
    watched.add(element);
    element.addEventListener('scroll', show, { passive: true });
    new ResizeObserver(show).observe(element);
  }
  show();
}

const svg = 'http://www.w3.org/2000/svg';
const shapes: Readonly<Record<string, string>> = {
  added: 'M8 3v10M3 8h10',
  removed: 'M3 8h10',
  asked: 'M5.7 6a2.3 2.3 0 1 1 3.3 2.100c-.7.3-1 .8-1 1.500M8 12.400v.2',
  settled: 'M3 8.5 6.5 12 13 4.5',
  scan: 'M3 4v8M5.5 4v8M8 4v8M11 4v8M13 4v8',
  weight: 'M8 3v10M4.5 13h7M3 6.500h10M3 6.500l-1 3h2zM13 6.500l-1 3h2z',
  look: 'M2 8s2.2-4 6-4 6 4 6 4-2.2 4-6 4-6-4-6-4zM8 6.700a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.600z',
  basket: 'M2.5 4h2l1.5 6h6l1.5-4.500H5M7 13v.1M11.5 13v.1',
  fault: 'M8 3 2.5 13h11zM8 7v2.500M8 11.300v.2',
  gateway: 'M8 2.500v5M5 4.500a5 5 0 1 0 6 0',
  drop: 'M4 4l8 8M12 4l-8 8',
  command: 'M4 5l3 3-3 3M8.5 11.500h4',
};

/** A small drawing; decoration only, what it says stands beside it in words. */
export function icon(name: string): SVGSVGElement {
  const image = document.createElementNS(svg, 'svg');
  image.setAttribute('viewBox', '0 0 16 16');
  image.setAttribute('aria-hidden', 'true');
  image.setAttribute('class', 'icon');
  const path = document.createElementNS(svg, 'path');
  path.setAttribute('d', shapes[name] ?? 'M8 8v.1');
  image.append(path);
  return image;
}
