import type { CameraState, DisplayState, Trouble } from '../../source.ts';
import { button, h, icon } from '../dom.ts';
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

/** The line on top: which cart, what the camera does, whether the shop can be reached. Always there. */
export function topLine({ state, language }: Page): readonly HTMLElement[] {
  const { sentence, name } = cameras[state.camera];
  const sign = (drawing: string, text: string, strong: boolean) =>
    h('span', { class: strong ? 'sign strong' : 'sign' }, icon(drawing), text);
  return [
    h('h1', {}, language.say('cart', { device: state.device })),
    sign(name, language.say(sentence), state.camera === 'recording' || state.camera === 'fault'),
    sign(
      state.connected ? 'link' : 'linkOff',
      language.say(state.connected ? 'online' : 'offline'),
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
    ...(state.connected
      ? []
      : [notice('offline', 'linkOff', [language.say('offline'), language.say('offlineHow')], false)]),
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
    h('p', {}, h('strong', {}, what), how === undefined ? '' : ` ${how}`),
    more,
  );
}

function ages({ basket }: DisplayState, { language }: Page): readonly HTMLElement[] {
  if (basket === undefined || (basket.approvals ?? []).length === 0) return [];
  const asked = new Set(basket.approvals?.flatMap((approval) => approval.lines));
  const names = basket.lines.filter((line) => asked.has(line.line)).map((line) => line.name);
  const how = language.say('ageHow', { names: language.list(names) });
  return [notice('age', 'age', [language.say('ageTitle'), how], false)];
}

function helpNotice({ language }: Page): HTMLElement {
  const over = button('help-over', [h('span', {}, language.say('helpDone'))]);
  return notice('help', 'call', [language.say('helpCalled')], false, over);
}

/** While another screen hides them, open questions are told all the same. */
function elsewhere({ state, view, language }: Page): readonly HTMLElement[] {
  const hidden = view !== 'trip' && state.basket?.state === 'open';
  if (!hidden || state.questions.length === 0) return [];
  const answer = button('back', [h('span', {}, language.say('payAnswer'))]);
  return [
    notice('asked', 'asked', [language.count('questionsWaiting', state.questions.length)], false, answer),
  ];
}
