import { type Camera, compose, type PlacedThing } from '#simulation/pictures/compose.ts';
import { toYuv420 } from '#test/support/yuv420.ts';
import type { Picture } from '#vision/pictures/picture.ts';
import type { VirtualRig } from './virtual.ts';

/**
 * What the camera of the virtual machine sees: vivid has an HDMI output too, and its HDMI input shows what is played
 * there, scaled by the kernel. So pictures made here reach the gateway through a V4L2 capture device.
 */

/** Of the pictures, as they are played and as the camera is asked for them. */
export const filmSize = { width: 320, height: 180 };
/** Frames of one picture, each with noise of its own: a camera never says the same twice. A prime, so that no pace meets one again and again. */
const framesEach = 11;
const noise = 1.5;
/** Mode of the signal, with so many frames a second: few, as the processor is emulated. */
const mode = { width: 1280, height: 720, framesPerSecond: '25.00' };
/** Bytes of base64 in one message to the machine. */
const mostAtOnce = 192 * 1024;

export interface Film {
  /** The camera sees this picture from now on; what was played before is out of the way within half a second. */
  show(name: string): Promise<void>;
  /** Ends it: the camera sees the kernel's test picture. */
  stop(): Promise<void>;
}

/** A thing in a picture; undefined for nothing. */
export type Scene = PlacedThing | undefined;

/** Plays the first of the scenes, each before the same background, on the machine's camera. */
export async function playFilm(
  rig: VirtualRig,
  background: Picture,
  scenes: Readonly<Record<string, Scene>>,
): Promise<Film> {
  const folder = `${rig.folder}/film`;
  const { capture, output } = await connect(rig);
  await rig.sh(`rm -rf ${folder}; mkdir ${folder}`);
  for (const [name, scene] of Object.entries(scenes)) {
    const camera: Camera = { noise };
    const frames = Array.from({ length: framesEach }, (_, seed) =>
      toYuv420(compose(background, scene === undefined ? [] : [scene], {}, camera, seed)),
    );
    await write(rig, `${folder}/${name}`, Buffer.concat(frames));
  }
  // Put in place at once: what reads it has the old one or the new one.
  const show = async (name: string) =>
    void (await rig.sh(`ln -sfn ${folder}/${name} ${folder}/next && mv -T ${folder}/next ${folder}/now`));
  await show(Object.keys(scenes)[0] ?? '');
  const { width, height } = filmSize;
  const format = `width=${width},height=${height},pixelformat=YU12`;
  const frames = `while cat ${folder}/now 2>/dev/null; do :; done`;
  const play = `v4l2-ctl -d ${output} --set-fmt-video-out=${format} --stream-out-mmap --stream-from=- >/dev/null 2>&1`;
  // A stream that is broken off breaks this one off as well.
  const player = await rig.start([
    'sh',
    '-c',
    `while [ -e ${folder}/now ]; do (${frames}) | ${play}; sleep 0.2; done`,
  ]);
  return {
    show,
    async stop() {
      await rig.sh(`rm -f ${folder}/now`);
      await player.finished;
      await rig.sh(`v4l2-ctl -d ${capture} -c osd_text_mode=0; rm -rf ${folder}`);
    },
  };
}

/** Puts vivid's HDMI output and input into one mode and joins them; answers with their nodes. */
async function connect(rig: VirtualRig): Promise<{ readonly capture: string; readonly output: string }> {
  const nodeOf = async (kind: string) =>
    (
      await rig.sh(
        `for each in /sys/class/video4linux/video*; do if grep -q ${kind} $each/name; then echo /dev/$(basename $each); exit; fi; done; exit 1`,
      )
    ).trim();
  const [capture, output] = [await nodeOf('vid-cap'), await nodeOf('vid-out')];
  const index = (what: string) =>
    `$(v4l2-ctl -d ${what === 'inputs' ? capture : output} --list-${what} | busybox awk '/(Input|Output) *:/{n=$NF} /Name *: HDMI/{print n; exit}')`;
  const timing = `$(v4l2-ctl -d ${capture} --list-dv-timings | busybox awk '/Index:/{n=$NF} /Active width:/{w=$NF} /Active height:/{h=$NF} /Pixelclock:/ && w == ${mode.width} && h == ${mode.height} && /\\(${mode.framesPerSecond} /{print n; exit}')`;
  await rig.sh(
    [
      'set -e',
      `v4l2-ctl -d ${capture} --set-input=${index('inputs')}`,
      `v4l2-ctl -d ${output} --set-output=${index('outputs')}`,
      `timing=${timing}`,
      `v4l2-ctl -d ${capture} --set-dv-bt-timings=index=$timing`,
      `v4l2-ctl -d ${output} --set-dv-bt-timings=index=$timing`,
      // Without the clock and the counters that the kernel writes into its pictures.
      `v4l2-ctl -d ${capture} -c osd_text_mode=2,loop_video=1`,
    ].join('\n'),
  );
  return { capture, output };
}

async function write(rig: VirtualRig, path: string, bytes: Uint8Array): Promise<void> {
  const process = await rig.start(['sh', '-c', `base64 -d >${path}`]);
  const text = Buffer.from(bytes).toString('base64');
  for (let at = 0; at < text.length; at += mostAtOnce) await process.write(text.slice(at, at + mostAtOnce));
  await process.end();
  const { code, stderr } = await process.finished;
  if (code !== 0) throw new Error(`${path} could not be written: ${stderr}`);
}
