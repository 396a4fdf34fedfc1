export type Child = Node | string | undefined | false | readonly Child[];
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * Makes an element. Text goes in as text nodes only: names of products come from outside and are never markup.
 * An attribute that is `undefined` or `false` is left out.
 */
export function h(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElement {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, '');
    else if (typeof value === 'string' || typeof value === 'number')
      element.setAttribute(name, String(value));
  }
  append(element, children);
  return element;
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === undefined || child === false) continue;
    if (typeof child === 'string' || child instanceof Node) element.append(child);
    else append(element, child);
  }
}

/** The element of the page's own HTML with this id. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`index.html has no #${id}`);
  return element;
}

/**
 * Makes what an element holds equal to `children`, changing no more than differs: who has the focus keeps it, what was
 * scrolled stays, and a screen reader is told of changes alone. Siblings are matched by `data-key`, else by place.
 */
export function show(element: Element, ...children: readonly Child[]): void {
  const next = document.createElement('div');
  append(next, children);
  morphChildren(element, next);
}

function morphChildren(now: Element, next: Element): void {
  const keyed = new Map<string, Element>();
  for (const child of now.children) {
    const key = child.getAttribute('data-key');
    if (key !== null) keyed.set(key, child);
  }
  let place: ChildNode | null = now.firstChild;
  for (const wanted of [...next.childNodes]) {
    const key = wanted instanceof Element ? wanted.getAttribute('data-key') : null;
    const known = key === null ? place : (keyed.get(key) ?? null);
    if (known === null || !alike(known, wanted)) {
      now.insertBefore(wanted, place);
      continue;
    }
    if (known === place) place = place.nextSibling;
    else now.insertBefore(known, place);
    morph(known, wanted);
  }
  while (place !== null) {
    const after: ChildNode | null = place.nextSibling;
    place.remove();
    place = after;
  }
}

function alike(known: Node, wanted: Node): boolean {
  if (known.nodeName !== wanted.nodeName) return false;
  if (!(known instanceof Element && wanted instanceof Element)) return true;
  return known.getAttribute('data-key') === wanted.getAttribute('data-key');
}

function morph(known: ChildNode, wanted: ChildNode): void {
  if (!(known instanceof Element && wanted instanceof Element)) {
    if (known.nodeValue !== wanted.nodeValue) known.nodeValue = wanted.nodeValue;
    return;
  }
  for (const { name } of [...known.attributes]) {
    // Whether details are open is for who reads them.
    const isOwn = name === 'open' && known.nodeName === 'DETAILS';
    if (!isOwn && !wanted.hasAttribute(name)) known.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (known.getAttribute(name) !== value) known.setAttribute(name, value);
  }
  morphChildren(known, wanted);
}
