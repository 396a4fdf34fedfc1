import { prepareZXingModule, type ReadInputBarcodeFormat, readBarcodes } from 'zxing-wasm/reader';
import wasm from 'zxing-wasm/reader/zxing_reader.wasm';
import type { Code } from './typed-code.ts';

/** What goods carry. */
const formats: ReadInputBarcodeFormat[] = [
  'EAN13',
  'EAN8',
  'UPCA',
  'UPCE',
  'DataBarOmni',
  'DataBarStkOmni',
  'DataBarExp',
  'DataBarExpStk',
  'Code128',
  'QRCode',
  'DataMatrix',
];
/** So many looks a second are enough for a hand, and leave the phone cool. */
const lookEveryMs = 120;
/** Codes are read at this width: a bar of an EAN-13 held at 15 cm is about 3 pixels then. */
const widestPx = 960;
/** The same code counts again when it was out of sight for so long. */
const awayMs = 2_000;

/** Reads codes with the phone's camera. Pictures stay in the page. */
export class CodeCamera {
  readonly #video: HTMLVideoElement;
  readonly #found: (code: Code) => void;
  readonly #canvas = document.createElement('canvas');
  #stream: MediaStream | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = '';
  #lastMs = 0;

  constructor(video: HTMLVideoElement, found: (code: Code) => void) {
    this.#video = video;
    this.#found = found;
  }

  get running(): boolean {
    return this.#stream !== undefined;
  }

  /** Rejects where there is no camera, or the shopper does not allow it. */
  async start(): Promise<void> {
    if (this.#stream !== undefined) return;
    // Of an origin that is not secure there is no camera at all.
    if (navigator.mediaDevices === undefined) throw new Error('no camera');
    await prepareZXingModule({ overrides: { locateFile: () => wasm }, fireImmediately: true });
    this.#stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: 'environment', width: { ideal: 1_280 } },
    });
    this.#video.srcObject = this.#stream;
    await this.#video.play();
    this.#later();
  }

  stop(): void {
    clearTimeout(this.#timer);
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#video.srcObject = null;
    this.#last = '';
  }

  #later(): void {
    this.#timer = setTimeout(() => {
      this.#look()
        .catch(() => {})
        .finally(() => {
          if (this.#stream !== undefined) this.#later();
        });
    }, lookEveryMs);
  }

  async #look(): Promise<void> {
    const { videoWidth, videoHeight } = this.#video;
    if (videoWidth === 0) return;
    const scale = Math.min(1, widestPx / videoWidth);
    this.#canvas.width = Math.round(videoWidth * scale);
    this.#canvas.height = Math.round(videoHeight * scale);
    const context = this.#canvas.getContext('2d', { willReadFrequently: true });
    if (context === null) return;
    const { width, height } = this.#canvas;
    context.drawImage(this.#video, 0, 0, width, height);
    const picture = context.getImageData(0, 0, width, height);
    const [read] = await readBarcodes(picture, { formats, maxNumberOfSymbols: 1, textMode: 'Plain' });
    if (read === undefined || read.text === '') return;
    const now = performance.now();
    const again = read.text === this.#last && now - this.#lastMs < awayMs;
    this.#last = read.text;
    this.#lastMs = now;
    if (!again) this.#found({ text: read.text, symbology: read.symbologyIdentifier });
  }
}
