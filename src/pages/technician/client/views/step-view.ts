import { type Child, h } from '../../../client/dom.ts';
import type { PlateFacts } from '../board.ts';
import type { PlannedStep, PlateView, TestWeight } from '../calibration.ts';
import { weightName } from '../format.ts';
import { platePicture } from '../plots.ts';
import { button, card, choice, field } from './parts.ts';

const tests = [
  ['linearity', 'Linearity'],
  ['eccentricity', 'Eccentricity'],
  ['repeatability', 'Repeatability'],
  ['discrimination', 'Discrimination'],
  ['zero-return', 'Zero return'],
  ['creep', 'Creep (30 minutes)'],
  ['warm-up', 'Warm-up'],
  ['tilt', 'Tilt'],
] as const;

const tilts = ['level', 'forward', 'backward', 'left', 'right'].map((tilt) => [tilt, tilt] as const);

const where = (at: string) => (at === 'centre' ? 'in the middle' : `over ${at}`);

/** What a step asks of the technician, in one sentence. */
export function sentence({ step, massMg, at }: PlannedStep): string {
  if (step === 'zero') return 'Empty the plate';
  if (step === 'load') return `Put ${weightName(massMg)} ${where(at)}`;
  if (step === 'fit') return 'Calculate';
  if (step === 'verify') return `Check with ${weightName(massMg)} ${where(at)}`;
  return step === 'commit' ? 'Put in force' : step;
}

/** All steps of the plan, with what is done. */
export function stepList(plan: readonly PlannedStep[], done: number): HTMLElement {
  return h(
    'ol',
    { class: 'steps' },
    plan.map((step, index) => {
      const state = index < done ? 'done' : index === done ? 'now' : 'open';
      const word = { done: 'done', now: 'now', open: '' }[state];
      return h(
        'li',
        { class: state, ...(state === 'now' ? { 'aria-current': 'step' } : {}) },
        h('span', { class: 'mark', 'aria-hidden': 'true' }, state === 'done' ? '✓' : String(index + 1)),
        h('span', {}, sentence(step)),
        word !== '' && h('span', { class: 'word' }, word),
      );
    }),
  );
}

/** The step that is next: picture, sentence, one large button. */
export function stepCard(
  step: PlannedStep,
  plate: PlateFacts | undefined,
  stability: Child,
  connected: boolean,
): HTMLElement {
  const text = sentence(step);
  const cells = plate?.cells ?? [];
  const load =
    step.step === 'load' || step.step === 'verify'
      ? { at: step.at, text: weightName(step.massMg) }
      : undefined;
  const names = step.weights.filter((id) => !/^\d/.test(id));
  return card(
    'Next step',
    h('p', { class: 'say', id: 'say' }, `${text}.`),
    names.length > 0 && h('p', { class: 'hint' }, `Weights: ${step.weights.join(', ')}`),
    step.step !== 'fit' &&
      platePicture(
        load === undefined ? 'The plate from above, empty' : `The plate from above: ${text}`,
        cells,
        load,
      ),
    step.step === 'verify' &&
      h(
        'p',
        { class: 'hint' },
        'Use other weights than before: the same ones can not show that one of them is wrong.',
      ),
    step.step !== 'fit' && stability,
    button(
      step.step === 'fit'
        ? 'Calculate'
        : step.step === 'zero'
          ? 'It is empty: measure'
          : 'It lies there: measure',
      'step',
      {
        class: 'main wide',
        disabled: !connected,
        'aria-describedby': 'say',
      },
    ),
  );
}

/** Asks why a step that was refused is right all the same. */
export function insistForm(disabled: boolean): HTMLElement {
  return h(
    'form',
    { 'data-form': 'insist', 'data-key': 'insist', class: 'card' },
    h('h2', {}, 'Is it right all the same?'),
    h(
      'p',
      {},
      'Look first: at what lies on the plate, at the mass and its unit, at cells and cables. Where cells or parts of the plate were changed, this can be right.',
    ),
    field('Why it is right', 'force', { required: true, maxlength: 200 }, 'It goes on record.', 'insist'),
    h('button', { type: 'submit', disabled }, 'Take it all the same'),
  );
}

/** Steps beside the plan, for who knows what to do. */
export function moreSteps(
  view: PlateView,
  plate: PlateFacts | undefined,
  weights: readonly TestWeight[],
): HTMLElement {
  const may = (step: string) => view.allowed.length === 0 || view.allowed.includes(step);
  const places: (readonly [string, string])[] = [
    ['centre', 'in the middle'],
    ...(plate?.cells ?? []).map(({ id }) => [id, `over ${id}`] as const),
  ];
  return h(
    'details',
    { 'data-key': 'more' },
    h('summary', {}, 'Other steps'),
    h(
      'div',
      { class: 'row' },
      button('Take the last step back', 'undo', { disabled: !may('undo') }),
      button('Replace the weights by a load of the same mass', 'substitute', {
        disabled: !may('substitute'),
      }),
    ),
    h(
      'form',
      { 'data-form': 'zero', class: 'inline' },
      h('h3', {}, 'Take zero although it has moved far'),
      field('Why that is right', 'force', { required: true, maxlength: 200 }, undefined, 'zero'),
      h('button', { type: 'submit', disabled: !may('zero') }, 'Take zero'),
    ),
    loadForm('load', 'Measure a load', weights, places, !may('load')),
    loadForm('check', 'Check a load', weights, places, !may('verify')),
    h(
      'form',
      { 'data-form': 'fit', class: 'inline' },
      h('h3', {}, 'Calculate'),
      choice(
        'Model',
        'model',
        [
          ['', 'the simplest that fits'],
          ['linear', 'linear'],
          ['piecewise', 'points'],
          ['quadratic', 'quadratic'],
        ],
        undefined,
        'fit',
      ),
      choice(
        'Corners',
        'trim',
        [
          ['', 'where they were measured'],
          ['yes', 'trim'],
          ['no', 'leave'],
        ],
        undefined,
        'fit',
      ),
      h('button', { type: 'submit', disabled: !may('fit') }, 'Calculate'),
    ),
    h(
      'form',
      { 'data-form': 'test', class: 'inline' },
      h('h3', {}, 'Take a reading of a verification test'),
      choice('Test', 'test', tests, undefined, 'test'),
      weightBoxes('test', weights),
      choice('Where', 'at', places, undefined, 'test'),
      choice(
        'Load',
        'direction',
        [
          ['up', 'rising'],
          ['down', 'falling'],
        ],
        undefined,
        'test',
      ),
      choice('Tilted', 'tilt', tilts, undefined, 'test'),
      field(
        'Small weights added until the indication changed, g (optional)',
        'extra',
        { inputmode: 'decimal', maxlength: 8 },
        undefined,
        'test',
      ),
      h('button', { type: 'submit', disabled: !may('test') }, 'Measure'),
    ),
  );
}

function loadForm(
  name: string,
  title: string,
  weights: readonly TestWeight[],
  places: readonly (readonly [string, string])[],
  disabled: boolean,
): HTMLElement {
  return h(
    'form',
    { 'data-form': name, class: 'inline' },
    h('h3', {}, title),
    weightBoxes(name, weights),
    choice('Where', 'at', places, undefined, name),
    h('button', { type: 'submit', disabled }, 'Measure'),
  );
}

function weightBoxes(form: string, weights: readonly TestWeight[]): HTMLElement {
  return h(
    'fieldset',
    { class: 'boxes' },
    h('legend', {}, 'Weights on the plate'),
    weights.map(({ id, massMg }) =>
      h(
        'label',
        { for: `${form}-${id}` },
        h('input', { type: 'checkbox', id: `${form}-${id}`, name: 'weight', value: id }),
        ` ${/^\d/.test(id) ? id : `${id} (${weightName(massMg)})`}`,
      ),
    ),
  );
}
