import { type Attributes, type Child, h } from '../../client/dom.ts';

export { byId, h, show } from '../../client/dom.ts';

const svg = 'http://www.w3.org/2000/svg';

/** Drawings on a field of 24 × 24; each differs from the others in its outline, not by its colour. */
const shapes: Readonly<Record<string, string>> = {
  call: 'M12 12a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9zM3.500 21c.6-4 4-6.500 8.500-6.500s7.900 2.500 8.500 6.500z',
  fruit:
    'M12 7.500c-5-3-8.500 1-8 6 .5 4.500 3.500 8 8 6.500 4.500 1.500 7.500-2 8-6.500.5-5-3-9-8-6zM12 7c0-2.500 1.500-4.500 4-5',
  offer:
    'M12 2.500 14.900 8.600 21.500 9.500 16.700 14.100 17.900 20.700 12 17.500 6.100 20.700 7.300 14.100 2.500 9.500 9.100 8.600z',
  settings: 'M4 6h16M4 12h16M4 18h16M9 4v4M16 10v4M7 16v4',
  pay: 'M3 5.500h18v13H3zM3 9.500h18M6.500 15h4',
  back: 'M20 12H5M11 5.500 4.500 12l6.500 6.500',
  asked:
    'M12 2.500a9.500 9.500 0 1 0 0 19 9.500 9.500 0 0 0 0-19zM9 9.300a3 3 0 1 1 4.500 2.700c-1 .6-1.500 1.200-1.500 2.300M12 17.200v.2',
  trouble: 'M12 3 2 20.500h20zM12 9.500v5.500M12 17.700v.2',
  camera: 'M3 7h4l1.500-2.500h7L17 7h4v12H3zM12 9.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7z',
  cameraOff: 'M3 7h4l1.500-2.500h7L17 7h4v12H3zM2.500 2.500l19 19',
  recording: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z',
  link: 'M4.500 10a11 11 0 0 1 15 0M7.500 13.300a6.500 6.500 0 0 1 9 0M12 17.500v.3',
  linkOff: 'M4.500 10a11 11 0 0 1 15 0M7.500 13.300a6.500 6.500 0 0 1 9 0M12 17.500v.3M4 20.500 20 3.500',
  scan: 'M4 5v14M7.500 5v14M11 5v9M14.500 5v14M18 5v9M20.500 5v14',
  place: 'M12 3v9M8 8.500l4 4 4-4M3.500 14.500h17l-2 6.500h-13z',
  // A box between the posts of a rack, near the ground.
  rack: 'M4 3v18M20 3v18M4 17.500h16M8 10h8v7.500H8z',
  search: 'M10.500 3.500a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM15.700 15.700l5.300 5.300',
  done: 'M3.500 12.500 9.500 18.500 20.500 6',
  none: 'M5 5l14 14M19 5 5 19',
  bag: 'M5 8h14l1.500 13h-17zM8.500 8c0-6 7-6 7 0',
  phone: 'M7 2.500h10v19H7zM11 18.500h2',
  // A card with a face.
  age: 'M3 5.500h18v13H3zM8.500 8.500a1.900 1.900 0 1 0 0 3.800 1.900 1.900 0 0 0 0-3.800zM5.500 16c.5-2.500 5.500-2.500 6 0M14.500 10h3.500M14.500 14h3.500',
  sound: 'M4 9.500v5h3.500L12 19V5L7.500 9.500zM15.500 9a4 4 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11',
  erase: 'M8 5.500h13v13H8l-6-6.500zM11.500 9l6 6M17.500 9l-6 6',
  up: 'M12 20V5M5.500 11 12 4.500 18.500 11',
  down: 'M12 4v15M5.500 13l6.500 6.500 6.500-6.500',
};

function drawing(viewBox: string, name: string, data: string): SVGSVGElement {
  const image = document.createElementNS(svg, 'svg');
  image.setAttribute('viewBox', viewBox);
  image.setAttribute('class', name);
  const path = document.createElementNS(svg, 'path');
  path.setAttribute('d', data);
  image.append(path);
  return image;
}

/** A drawing beside words that say the same; screen readers leave it out. */
export function icon(name: string): SVGSVGElement {
  const image = drawing('0 0 24 24', 'icon', shapes[name] ?? '');
  image.setAttribute('aria-hidden', 'true');
  return image;
}

/** A QR code of `side` modules with its quiet zone of four modules; `label` says what it is for. */
export function qrCode(path: string, side: number, label: string): SVGSVGElement {
  const image = drawing(`-4 -4 ${side + 8} ${side + 8}`, 'qr', path);
  image.setAttribute('role', 'img');
  image.setAttribute('aria-label', label);
  return image;
}

/** A button that does `act` when it is touched; what it needs to know goes into `data-…` attributes. */
export function button(act: string, content: readonly Child[], attributes: Attributes = {}): HTMLElement {
  return h('button', { type: 'button', 'data-act': act, ...attributes }, content);
}
