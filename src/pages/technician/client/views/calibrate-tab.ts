import { type Child, h } from '../../../client/dom.ts';
import { Bench } from '../bench.ts';
import type { Heard } from '../broker.ts';
import { checkOf, doneOf, type PlateView } from '../calibration.ts';
import { duration, kilograms, readWeights } from '../format.ts';
import { Live } from '../live.ts';
import { showReport } from '../reports.ts';
import type { Desk, View } from '../view.ts';
import { candidateCard, loadsCard } from './candidate-view.ts';
import { badge, button, card, choice, field } from './parts.ts';
import { insistForm, moreSteps, stepCard, stepList } from './step-view.ts';

const scopes = [
  ['full', 'Everything: zero, span and corners'],
  ['span', 'Zero and span, corners as they are'],
  ['zero', 'Zero alone'],
] as const;

/** The guided procedure: from the weights at hand to a revision in force. */
export class CalibrateTab implements View {
  readonly title = 'Calibrate';
  readonly #desk: Desk;
  readonly #bench: Bench;
  readonly #live: Live;
  #confirming: 'commit' | 'abort' | undefined;
  #formProblem = '';

  constructor(desk: Desk, device: string) {
    this.#desk = desk;
    this.#live = new Live(desk.broker, device);
    this.#bench = new Bench(desk, device, () => this.#live.nowUs);
  }

  heard(heard: Heard): void {
    this.#live.take(heard);
  }

  link(): void {
    this.#live.renew();
    if (this.#desk.broker.connected) void this.#bench.load();
  }

  close(): void {
    this.#bench.close();
    this.#live.close();
  }

  draw(): Child {
    const bench = this.#bench;
    if (!bench.loaded) return h('p', { class: 'empty', role: 'status' }, 'Asking the device …');
    return [
      bench.refusal !== undefined &&
        h(
          'div',
          { class: 'problem', role: 'alert', 'data-key': 'problem' },
          h('strong', {}, bench.refusal.code),
          ' ',
          bench.refusal.message,
        ),
      bench.canInsist && insistForm(bench.busy !== undefined),
      bench.notices.map(({ code, message }) =>
        h('p', { class: 'notice' }, badge('warn', code), ' ', message),
      ),
      bench.ended !== undefined && this.#endedCard(bench.ended),
      bench.session === undefined ? this.#setup() : this.#running(),
    ];
  }

  #endedCard({ outcome, revision }: NonNullable<Bench['ended']>): HTMLElement {
    if (outcome === 'committed') {
      return card(
        'In force',
        h(
          'p',
          {},
          badge(
            'good',
            revision === undefined ? 'A new revision is in force.' : `Revision ${revision} is in force.`,
          ),
          ' What the plate weighs from now on goes by it. The report is under “History”.',
        ),
      );
    }
    const why =
      outcome === 'aborted'
        ? 'The work was ended.'
        : 'The device has ended the session: its lease was over, or you ended it in another window.';
    return card(
      'Ended',
      h('p', {}, badge('plain', 'nothing was changed'), ` ${why} The scale weighs as it did before.`),
    );
  }

  #setup(): Child {
    const bench = this.#bench;
    const hasPlan = bench.plan.length > 0;
    return [
      card(
        'What to calibrate',
        h(
          'form',
          { 'data-form': 'plan' },
          choice(
            'Plate',
            'plate',
            bench.plates.map(({ id, maxMg }) => [
              id,
              maxMg === undefined ? id : `${id} (Max ${kilograms(maxMg)})`,
            ]),
            bench.plate,
          ),
          choice('What for', 'purpose', [
            ['calibrate', 'Calibrate'],
            ['verify', 'Verify: test without changing anything'],
          ]),
          choice('How much', 'model', scopes, 'full'),
          field(
            'Weights at hand',
            'weights',
            { placeholder: '2 kg M1, 5 kg M1, W7=10 kg', spellcheck: 'false' },
            'With commas between; the class of OIML R 111 behind, where there is one (5 kg M1), and before it the name on its certificate (W7=10 kg M1). They go on record. Zero alone needs none.',
          ),
          field('Temperature, °C (optional)', 'celsius', { inputmode: 'decimal', maxlength: 6 }),
          field('Note (optional)', 'note', { maxlength: 200 }),
          this.#formProblem !== '' && h('p', { class: 'problem', role: 'alert' }, this.#formProblem),
          h(
            'button',
            { type: 'submit', class: hasPlan ? '' : 'main', disabled: bench.busy !== undefined },
            hasPlan ? 'Make another plan' : 'Make a plan',
          ),
        ),
      ),
      hasPlan &&
        card(
          'Plan',
          stepList(bench.plan, -1),
          bench.planNotes.map((note) => h('p', { class: 'notice' }, badge('warn', 'Note'), ` ${note}`)),
          h(
            'p',
            { class: 'hint' },
            'From now on the plate is under maintenance: weights that you put on it are no goods. Nothing changes until you put the result in force.',
          ),
          button('Begin', 'begin', { class: 'main', disabled: bench.busy !== undefined }),
        ),
    ];
  }

  #running(): Child {
    const bench = this.#bench;
    const { session, view } = bench;
    if (session === undefined || view === undefined) return undefined;
    if (!bench.isMine) return this.#othersCard(session.by);
    const next = bench.plan[doneOf(bench.plan, view)];
    const hasCandidate = view.candidate !== undefined;
    return [
      this.#lease(),
      bench.busy !== undefined
        ? card('Measuring', h('p', { class: 'busy', role: 'status' }, bench.busy), this.#stability())
        : next === undefined || next.step === 'commit'
          ? undefined
          : stepCard(next, bench.facts, this.#stability(), this.#desk.broker.connected),
      candidateCard(view, bench.facts),
      hasCandidate &&
        session.candidate !== undefined &&
        session.purpose !== 'verify' &&
        this.#commitCard(session.candidate, view),
      session.purpose === 'verify' &&
        next === undefined &&
        bench.plan.length > 0 &&
        card(
          'All loads are checked',
          h(
            'p',
            {},
            'Take readings of further tests under “Other steps”, look at the report, then end the session.',
          ),
        ),
      loadsCard(view),
      card(
        'Steps',
        stepList(bench.plan, doneOf(bench.plan, view)),
        moreSteps(view, bench.facts, session.weights),
      ),
      this.#abortCard(),
    ];
  }

  #othersCard({ who, role }: { readonly who?: string | number; readonly role?: string }): HTMLElement {
    const name = `${role ?? 'Somebody'}${who === undefined ? '' : ` ${who}`}`;
    const left = this.#bench.leaseLeftS;
    return card(
      'Somebody else works here',
      h(
        'p',
        {},
        badge('warn', 'busy'),
        ` ${name} is working on this device${left === undefined ? '' : `; the lease ends in ${duration(left)} unless it is renewed`}.`,
      ),
      button('Look again', 'refresh'),
    );
  }

  #lease(): HTMLElement {
    const left = this.#bench.leaseLeftS;
    const { connected } = this.#desk.broker;
    return h(
      'div',
      { class: 'lease', role: 'status', 'data-key': 'lease' },
      connected ? badge('good', 'connected') : badge('bad', 'connection lost'),
      h(
        'span',
        {},
        left === undefined ? 'The device keeps this session for you.' : `Lease: ${duration(left)}`,
      ),
      !connected &&
        h(
          'span',
          {},
          'Nothing is changed meanwhile. When the connection is back in time, you go on where you were.',
        ),
    );
  }

  #stability(): HTMLElement {
    const plate = this.#live.weights?.plates.find(({ plate: id }) => id === this.#bench.plate);
    if (plate === undefined || !this.#live.fresh)
      return h('p', { class: 'stability' }, badge('plain', 'no live values'));
    const { grossMg, stable, moving } = plate;
    const word = moving
      ? badge('warn', 'moving')
      : stable
        ? badge('good', 'at rest')
        : badge('warn', 'settling');
    return h(
      'p',
      { class: 'stability' },
      word,
      h('strong', { class: 'big' }, grossMg === undefined ? 'no mass yet' : kilograms(grossMg)),
    );
  }

  /** Offered once the device would take it; what is missing is told instead. */
  #commitCard(candidate: string, view: PlateView): Child {
    const { session, busy } = this.#bench;
    const check = checkOf(view);
    // The plan has the check as the next step.
    if (check === 'missing' && this.#bench.plan[doneOf(this.#bench.plan, view)]?.step === 'verify')
      return undefined;
    if (check !== 'passed') {
      return card(
        'Not yet to be put in force',
        h(
          'p',
          { class: 'notice' },
          check === 'failed'
            ? [badge('bad', 'A check failed'), ' Look for the cause, take the check back, and check again.']
            : [badge('warn', 'Not checked'), ' Check a load with other weights first, under “Other steps”.'],
        ),
        check === 'failed' && button('Take the check back', 'undo', { disabled: busy !== undefined }),
      );
    }
    return card(
      'Put in force',
      this.#confirming === 'commit'
        ? h(
            'div',
            { class: 'confirm', role: 'group', 'aria-label': 'Confirm' },
            h(
              'p',
              {},
              `Revision ${session?.revision ?? 0} is replaced on ${this.#bench.device}, plate ${this.#bench.plate}. The result goes on record with your number. Candidate ${candidate.slice(0, 12)}…`,
            ),
            button('Yes, put it in force', 'commit-really', { class: 'main', disabled: busy !== undefined }),
            button('Not yet', 'confirm-not'),
          )
        : button('Put in force …', 'commit', {
            class: 'main',
            disabled: busy !== undefined || !this.#desk.broker.connected,
          }),
    );
  }

  #abortCard(): HTMLElement {
    return h(
      'div',
      { class: 'row end', 'data-key': 'abort' },
      this.#confirming === 'abort'
        ? [
            h('p', {}, 'End without changing anything? What was measured is lost.'),
            button('End the session', 'abort-really', { class: 'danger' }),
            button('Go on', 'confirm-not'),
          ]
        : [
            button('Report so far', 'report', { class: 'quiet' }),
            button('End without changing anything', 'abort', { class: 'quiet' }),
          ],
    );
  }

  async act(name: string): Promise<void> {
    const bench = this.#bench;
    const next = bench.view === undefined ? undefined : bench.plan[doneOf(bench.plan, bench.view)];
    this.#confirming = name === 'commit' || name === 'abort' ? name : undefined;
    this.#desk.draw();
    if (name === 'begin') await this.#begin();
    else if (name === 'step' && next !== undefined) await bench.takePlanned(next);
    else if (name === 'undo') await bench.take('undo', { plate: bench.plate }, 'Taking the last step back …');
    else if (name === 'substitute')
      await bench.take('substitute', { plate: bench.plate }, 'Waiting for rest, then measuring …');
    else if (name === 'commit-really') await bench.commit();
    else if (name === 'abort-really') await bench.abort();
    else if (name === 'refresh') await bench.refresh();
    else if (name === 'report' && bench.session !== undefined)
      await showReport(this.#desk, bench.device, { session: bench.session.session }, 'window');
  }

  #setupArgs: Readonly<Record<string, unknown>> = {};

  async #begin(): Promise<void> {
    await this.#bench.begin(this.#setupArgs);
  }

  async submit(name: string, form: FormData): Promise<void> {
    if (name === 'insist') return await this.#bench.insist(String(form.get('force')));
    if (name !== 'plan') return await this.#freeStep(name, form);
    const typed = String(form.get('weights')).trim();
    const isZero = form.get('model') === 'zero' && form.get('purpose') === 'calibrate';
    const weights = typed === '' && isZero ? [] : readWeights(typed);
    if (weights === undefined || (weights.length === 0 && !isZero)) {
      this.#formProblem = 'Weights are written as 2 kg, 5 kg or W7=10 kg, with commas between.';
      this.#desk.draw();
      return;
    }
    this.#formProblem = '';
    const celsius = Number(String(form.get('celsius')).replace(',', '.'));
    const note = String(form.get('note'));
    const environment = {
      ...(form.get('celsius') === '' || Number.isNaN(celsius)
        ? {}
        : { milliCelsius: Math.round(celsius * 1_000) }),
      ...(note === '' ? {} : { note }),
    };
    const plate = String(form.get('plate'));
    this.#bench.plate = plate;
    this.#setupArgs = {
      plates: [plate],
      purpose: String(form.get('purpose')),
      weights,
      ...(Object.keys(environment).length === 0 ? {} : { environment }),
    };
    const purpose = String(form.get('purpose'));
    await this.#bench.makePlan({ plate, weights, model: String(form.get('model')) }, purpose);
    this.#desk.draw();
  }

  /** A step that is not in the plan. */
  async #freeStep(name: string, form: FormData): Promise<void> {
    const bench = this.#bench;
    const plate = bench.plate;
    if (name === 'fit') {
      const model = String(form.get('model'));
      const trim = String(form.get('trim'));
      const args = {
        plate,
        ...(model === '' ? {} : { model }),
        ...(trim === '' ? {} : { trim: trim === 'yes' }),
      };
      await bench.take('fit', args, 'Calculating …');
      return;
    }
    if (name === 'zero') {
      const args = { plate, force: String(form.get('force')) };
      await bench.take('zero', args, 'Waiting for rest, then measuring the empty plate …');
      return;
    }
    const chosen = form.getAll('weight').map(String);
    const all = bench.session?.weights ?? [];
    const massMg = all
      .filter(({ id }) => chosen.includes(id))
      .reduce((sum, weight) => sum + weight.massMg, 0);
    const load = {
      plate,
      massMg,
      at: String(form.get('at')),
      ...(chosen.length === 0 ? {} : { weights: chosen }),
    };
    if (name === 'test') {
      const extra = Number(String(form.get('extra')).replace(',', '.'));
      const tilt = String(form.get('tilt'));
      const more = {
        ...(form.get('extra') === '' || Number.isNaN(extra) ? {} : { extraMg: Math.round(extra * 1_000) }),
        ...(tilt === 'level' ? {} : { tilt }),
      };
      const args = {
        ...load,
        ...more,
        test: String(form.get('test')),
        direction: String(form.get('direction')),
      };
      await bench.take('test', args, 'Waiting for rest, then measuring …');
    } else await bench.take(name === 'check' ? 'verify' : 'load', load, 'Waiting for rest, then measuring …');
  }
}
