import type { Page } from 'playwright-core';

/** What a measurement in the page finds wrong, as text that says where. */
export interface Measured {
  /** Letters smaller than `smallestPx`. */
  readonly small: readonly string[];
  /** Text whose contrast to what lies behind it is below `contrast`. */
  readonly faint: readonly string[];
  /** What can be touched and is smaller than `targetPx`, or out of sight without a way to scroll there. */
  readonly narrow: readonly string[];
  /** Words that are wider than their place. */
  readonly cut: readonly string[];
  /** Texts and targets that were measured: that none is wrong means nothing where there was none. */
  readonly texts: number;
  readonly targets: number;
}

/**
 * Runs in the page. Contrast is that of WCAG 2.2 (relative luminance, section 1.4.6), of each text with the nearest
 * background that is not transparent; the page has no pictures behind text.
 */
const measureInPage = `({ smallestPx, targetPx, contrast }) => {
  const numbers = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const linear = (value) => {
    const c = value / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ratio = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (element) => {
    for (let one = element; one !== null; one = one.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(one).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const visible = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const name = (element) => element.tagName.toLowerCase() + '.' + element.className + ' ' + JSON.stringify((element.textContent ?? '').trim().slice(0, 40));
  const result = { small: [], faint: [], narrow: [], cut: [], texts: 0, targets: 0 };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (node.nodeValue.trim() === '' || element.closest('.unseen') !== null || !visible(element)) continue;
    result.texts++;
    const style = getComputedStyle(element);
    if (parseFloat(style.fontSize) < smallestPx) result.small.push(name(element) + ' ' + style.fontSize);
    const found = ratio(numbers(style.color), behind(element));
    if (found < contrast) result.faint.push(name(element) + ' ' + found.toFixed(2));
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    const place = element.closest('button, .notice, .name, p, h1, h2, h3')?.getBoundingClientRect();
    if (place !== undefined && (box.left < place.left - 1 || box.right > place.right + 1)) result.cut.push(name(element));
  }
  const scrolls = (element) => {
    for (let one = element.parentElement; one !== null; one = one.parentElement) {
      if (/auto|scroll/.test(getComputedStyle(one).overflow)) return true;
    }
    return false;
  };
  for (const element of document.querySelectorAll('button, a, input, select, [role=button]')) {
    if (!visible(element)) continue;
    result.targets++;
    const { width, height, left, right, top, bottom } = element.getBoundingClientRect();
    const out = left < 0 || top < 0 || right > innerWidth + 1 || bottom > innerHeight + 1;
    if (width < targetPx || height < targetPx || (out && !scrolls(element))) {
      result.narrow.push(name(element) + ' ' + width.toFixed(0) + ' x ' + height.toFixed(0) + ' at ' + top.toFixed(0));
    }
  }
  return result;
}`;

/** Measures what is to be seen and touched, px of CSS. */
export function measure(
  page: Page,
  limits: { readonly smallestPx: number; readonly targetPx: number; readonly contrast: number },
): Promise<Measured> {
  return page.evaluate<Measured>(`(${measureInPage})(${JSON.stringify(limits)})`);
}
