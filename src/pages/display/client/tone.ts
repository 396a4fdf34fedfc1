/** A short melody: [frequency Hz, length s] one after the other; 0 is a pause. */
const melodies: Readonly<Record<string, readonly (readonly [hertz: number, seconds: number])[]>> = {
  // Rising for in, falling for out, twice the same for a question: told apart by their course, not by their pitch.
  added: [
    [880, 0.09],
    [1_175, 0.12],
  ],
  removed: [
    [880, 0.09],
    [587, 0.14],
  ],
  asked: [
    [740, 0.14],
    [0, 0.08],
    [740, 0.14],
  ],
  settled: [[1_175, 0.12]],
  refused: [
    [330, 0.18],
    [0, 0.06],
    [330, 0.18],
  ],
  alert: [
    [330, 0.18],
    [0, 0.06],
    [330, 0.18],
    [0, 0.06],
    [330, 0.18],
  ],
  paid: [
    [784, 0.11],
    [988, 0.11],
    [1_319, 0.2],
  ],
};

const loudness = 0.25;
/** Ramps keep a tone from clicking, s. */
const rampS = 0.01;

/** Plays the tones of what happens. A browser without sound, or one that waits for a touch, stays silent. */
export class Tones {
  #audio: AudioContext | undefined;

  /** Browsers let a page sound after the first touch (kiosks from the start on). */
  unlock(): void {
    if (typeof AudioContext === 'undefined') return;
    this.#audio ??= new AudioContext();
    if (this.#audio.state === 'suspended') this.#audio.resume().catch(() => {});
  }

  play(what: string): void {
    const melody = melodies[what];
    this.unlock();
    const audio = this.#audio;
    if (melody === undefined || audio === undefined) return;
    let atS = audio.currentTime;
    for (const [hertz, seconds] of melody) {
      if (hertz > 0) sound(audio, hertz, atS, seconds);
      atS += seconds;
    }
  }
}

function sound(audio: AudioContext, hertz: number, atS: number, seconds: number): void {
  const oscillator = audio.createOscillator();
  const gain = audio.createGain();
  oscillator.type = 'triangle';
  oscillator.frequency.value = hertz;
  gain.gain.setValueAtTime(0, atS);
  gain.gain.linearRampToValueAtTime(loudness, atS + rampS);
  gain.gain.setValueAtTime(loudness, atS + seconds - rampS);
  gain.gain.linearRampToValueAtTime(0, atS + seconds);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(atS);
  oscillator.stop(atS + seconds);
}
