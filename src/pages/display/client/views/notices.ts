import type { CameraState, DisplayState, Trouble } from '../../source.ts';
import { button, h, icon } from '../dom.ts';
import type { Language } from '../language.ts';
import type { Page } from '../page.ts';
import type { Sentence } from '../words/words.ts';

const cameras: Readonly<Record<CameraState, { readonly sentence: Sentence; readonly name: string }>> = {
  none: { sentence: 'cameraNone', name: 'cameraOff' },
  on: { sentence: 'cameraOn', name: 'camera' },
  off: { sentence: 'cameraOff', name: 'cameraOff' },
  fault: { sentence: 'cameraFault', name: 'trouble' },
  recording: { sentence: 'cameraRecording', name: 'recording' },
};

const troubles: Readonly<Record<Trouble, readonly [what: Sentence, how: Sentence]>> = {
  scale: ['scaleTrouble', 'scaleTroubleHow'],
  scanner: ['scannerTrouble', 'scannerTroubleHow'],
  camera: ['cameraFault', 'cameraTroubleHow'],
  full: ['fullTrouble', 'fullTroubleHow'],
  battery: ['batteryTrouble', 'batteryTroubleHow'],
};

/** How people call a cart: by its number, where its name has one. */
export function cartName(language: Language, device: string): string {
  return language.say('cart', { device: device.replace(/^cart-(?=\d)/, '') });
}

/** The line on top: which cart, what the camera does, whether the shop can be reached. Always there. */
export function topLine({ state, language }: Page): readonly HTMLElement[] {
  const { sentence, name } = cameras[state.camera];
  const sign = (drawing: string, text: string, strong: boolean) =>
    h('span', { class: strong ? 'sign strong' : 'sign' }, icon(drawing), text);
  return [
    h('h1', {}, cartName(language, state.device)),
    sign(name, language.say(sentence), state.camera === 'recording' || state.camera === 'fault'),
    sign(
      state.connected ? 'link' : 'linkOff',
      state.connected ? language.say('online') : `${language.say('offline')} ${language.say('offlineHow')}`,
      !state.connected,
    ),
  ];
}

/** What the shopper has to know before anything else, most urgent first. */
export function notices(page: Page): readonly HTMLElement[] {
  const { state, language, lost, note } = page;
  if (lost) return [notice('lost', 'trouble', [language.say('lost'), language.say('lostHow')], true)];
  const percent = language.percent(state.batteryPpm ?? 0);
  return [
    ...(note === undefined
      ? []
      : [notice('note', note.bad ? 'trouble' : 'done', [language.say(note.sentence)], note.bad)]),
    ...state.alerts.map((alert) =>
      notice(alert, 'trouble', [language.say(alert === 'after-payment' ? 'movedPaid' : 'movedPaying')], true),
    ),
    ...state.troubles.map((trouble) => {
      const [what, how] = troubles[trouble];
      return notice(trouble, 'trouble', [language.say(what, { percent }), language.say(how)], false);
    }),
    ...unpaid(state, page),
    ...ages(state, page),
    ...(state.basket?.help === true ? [helpNotice(page)] : []),
    ...elsewhere(page),
  ];
}

function notice(
  key: string,
  name: string,
  [what = '', how]: readonly string[],
  bad: boolean,
  more?: HTMLElement,
): HTMLElement {
  return h(
    'div',
    { class: bad ? 'notice bad' : 'notice', 'data-key': key },
    icon(name),
    h(
      'p',
      {},
      h('strong', {}, how === undefined ? what : sentence(what)),
      how === undefined ? '' : ` ${how}`,
    ),
    more,
  );
}

/** What stands before another sentence ends as one. */
function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** Why nothing was paid, until the next attempt. */
function unpaid({ unpaid: why }: DisplayState, { language }: Page): readonly HTMLElement[] {
  if (why === undefined) return [];
  if (why === 'declined') {
    return [notice('unpaid', 'trouble', [language.say('payDeclined'), language.say('payDeclinedHow')], true)];
  }
  const what = why === 'movement' ? 'movedPaying' : 'payCancelled';
  return [notice('unpaid', 'trouble', [language.say(what)], false)];
}

function ages({ basket, ageRefused }: DisplayState, { language }: Page): readonly HTMLElement[] {
  const approvals = basket?.approvals ?? [];
  if (basket === undefined || approvals.length === 0) return [];
  const asked = new Set(approvals.flatMap((approval) => approval.lines));
  const names = language.list(basket.lines.filter(({ line }) => asked.has(line)).map(({ name }) => name));
  const refused = approvals.some(({ minimumAge }) => ageRefused !== undefined && minimumAge >= ageRefused);
  if (refused) return [notice('age', 'age', [language.say('ageRefused', { names })], true)];
  return [notice('age', 'age', [language.say('ageTitle'), language.say('ageHow', { names })], false)];
}

function helpNotice({ language }: Page): HTMLElement {
  const over = button('help-over', [h('span', {}, language.say('helpDone'))]);
  return notice('help', 'call', [language.say('helpCalled')], false, over);
}

/** While another screen hides them, open questions are told all the same. */
function elsewhere({ state, view, language }: Page): readonly HTMLElement[] {
  // The screen before payment says it itself.
  const hidden = view !== 'trip' && view !== 'pay' && state.basket?.state === 'open';
  if (!hidden || state.questions.length === 0) return [];
  const answer = button('back', [h('span', {}, language.say('payAnswer'))]);
  return [
    notice('asked', 'asked', [language.count('questionsWaiting', state.questions.length)], false, answer),
  ];
}
