import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from './layout.ts';

/** `lines`: one message a line, as the TCP node splits them; `buffers`: one message a chunk, taken apart by hand. */
export type FlowStyle = 'lines' | 'buffers';

export const peerTopics = {
  movement: 'bench/peer/event/movement/settled',
  mark: 'bench/peer/mark',
  state: 'bench/peer/state',
} as const;

/** What the function node keeps between messages, made when the flow starts. */
const initialize = (layout: Layout) => `
const layout = ${JSON.stringify({
  k: layout.cellsPerPlate,
  zero: layout.zeroCounts,
  slope: layout.milligramsPerCount,
})};
context.set('state', {
  ...layout, samples: 0, cell: 0, values: [0, 0, 0], at: 0, negative: false,
  plates: Array.from({ length: ${layout.plates} }, () => ({
    fresh: 0, mg: new Float64Array(layout.k), ring: new Float64Array(512), times: new Float64Array(512),
    head: 0, count: 0, level: NaN,
  })),
});
`;

/**
 * Calibration, then per plate the newest 350 ms: mean and standard deviation. A window quieter than 0.6 d is a plateau;
 * one at least 3 g from the last is a movement. The gateway does this too, and checks cells, drift, glitches and time.
 */
const take = `
function take(state, cell, counts, now) {
  state.samples++;
  const k = state.k;
  const index = Math.floor(cell / k);
  const plate = state.plates[index];
  const i = cell - index * k;
  plate.mg[i] = (counts - state.zero) * state.slope;
  plate.fresh |= 1 << i;
  if (plate.fresh !== (1 << k) - 1) return undefined;
  plate.fresh = 0;
  let mg = 0;
  for (let j = 0; j < k; j++) mg += plate.mg[j];
  const head = plate.head;
  plate.ring[head] = mg;
  plate.times[head] = now;
  plate.head = (head + 1) & 511;
  if (plate.count < 512) plate.count++;
  let n = 0, sum = 0, squares = 0;
  for (; n < plate.count; n++) {
    const at = (head - n) & 511;
    if (plate.times[at] < now - 350) break;
    const y = plate.ring[at] - mg;
    sum += y;
    squares += y * y;
  }
  if (n < 4 || (n === plate.count && n < 512)) return undefined;
  const mean = sum / n;
  const sd = Math.sqrt(Math.max(0, squares - n * mean * mean) / (n - 1));
  if (sd > 1200) return undefined;
  const level = mg + mean;
  const before = plate.level;
  if (Math.abs(level - before) < 3000) { plate.level += (level - before) / 64; return undefined; }
  plate.level = level;
  if (Number.isNaN(before)) return undefined;
  return { topic: '${peerTopics.movement}', payload: {
    plate: 'p' + index, massMg: Math.round(level - before), sigmaMg: Math.round(sd / Math.sqrt(n)),
    beforeMg: Math.round(before), afterMg: Math.round(level), settledAtMs: now } };
}
`;

const bodies: Readonly<Record<FlowStyle, string>> = {
  lines: `
const state = context.get('state');
const line = msg.payload.split(' ');
const cell = Number(line[0]);
if (cell < 0) return [null, { topic: '${peerTopics.mark}', payload: line[2] + ' ' + state.samples }];
const movement = take(state, cell, Number(line[1]), Date.now());
if (movement === undefined) return null;
return [movement, null];
${take}`,
  buffers: `
const state = context.get('state');
const values = state.values;
const bytes = msg.payload;
const now = Date.now();
const movements = [];
const marks = [];
let at = state.at, value = values[at], negative = state.negative;
for (let i = 0; i < bytes.length; i++) {
  const byte = bytes[i];
  if (byte === 45) negative = true;
  else if (byte >= 48) value = value * 10 + byte - 48;
  else {
    values[at] = negative ? -value : value;
    value = 0;
    negative = false;
    if (byte !== 10) { at++; continue; }
    at = 0;
    if (values[0] < 0) marks.push({ topic: '${peerTopics.mark}', payload: values[2] + ' ' + state.samples });
    else {
      const movement = take(state, values[0], values[1], now);
      if (movement !== undefined) movements.push(movement);
    }
  }
}
state.at = at;
if (at < 3) values[at] = value;
state.negative = negative;
return [movements, marks];
${take}`,
};

/** The flow: TCP in → function → MQTT out, on one tab. */
export function makeFlow(style: FlowStyle, layout: Layout, feedPort: number, brokerPort: number): object[] {
  const split =
    style === 'lines' ? { datatype: 'utf8', newline: '\\n' } : { datatype: 'buffer', newline: '' };
  const out = {
    type: 'mqtt out',
    z: 'tab',
    topic: '',
    qos: '1',
    retain: 'false',
    broker: 'broker',
    wires: [],
  };
  return [
    { id: 'tab', type: 'tab', label: 'cells', disabled: false },
    {
      id: 'broker',
      type: 'mqtt-broker',
      broker: '127.0.0.1',
      port: String(brokerPort),
      clientid: 'bench-peer',
      autoConnect: true,
      usetls: false,
      protocolVersion: '5',
      keepalive: '30',
      cleansession: true,
      birthTopic: peerTopics.state,
      birthQos: '1',
      birthRetain: 'false',
      birthPayload: 'online',
    },
    {
      id: 'in',
      type: 'tcp in',
      z: 'tab',
      server: 'client',
      host: '127.0.0.1',
      port: String(feedPort),
      datamode: 'stream',
      ...split,
      topic: '',
      trim: false,
      base64: false,
      tls: '',
      wires: [['weigh']],
    },
    {
      id: 'weigh',
      type: 'function',
      z: 'tab',
      func: bodies[style],
      initialize: initialize(layout),
      outputs: 2,
      timeout: 0,
      libs: [],
      wires: [['movements'], ['marks']],
    },
    { id: 'movements', ...out },
    { id: 'marks', ...out },
  ];
}

/** A user folder with the flow and settings without editor, projects and reports; answers with Node-RED's arguments. */
export async function writePeer(folder: string, flow: readonly object[]): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'flows.json'), JSON.stringify(flow));
  await writeFile(join(folder, 'package.json'), '{"private":true}');
  const settings = {
    flowFile: 'flows.json',
    httpAdminRoot: false,
    httpNodeRoot: false,
    disableEditor: true,
    credentialSecret: false,
    telemetry: { enabled: false, updateNotification: false },
    externalModules: {
      autoInstall: false,
      palette: { allowInstall: false },
      modules: { allowInstall: false },
    },
    runtimeState: { enabled: false },
    logging: { console: { level: 'warn', metrics: false, audit: false } },
  };
  await writeFile(join(folder, 'settings.js'), `module.exports = ${JSON.stringify(settings)};\n`);
  return ['--settings', join(folder, 'settings.js'), '--userDir', folder];
}
