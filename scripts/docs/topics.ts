import { basketSnapshot } from '#events/data/baskets.ts';
import { gatewayHealth } from '#events/data/gateway.ts';
import type { RecordShape } from '#events/fields.ts';
import {
  ackPayload,
  liveCounts,
  liveWeight,
  manifest,
  offersPayload,
  phoneHeard,
  phoneSay,
  releaseNotice,
  requestPayload,
  responsePayload,
  statePayload,
} from '#events/mqtt-payloads.ts';

/** A topic of the contract as integrators see it. Events, requests and responses have one a type or command. */
export interface TopicDoc {
  /** Identifier in AsyncAPI. */
  readonly id: string;
  /** Below `cw/1/{store}/`. */
  readonly address: string;
  /** Which side publishes. */
  readonly from: 'device' | 'store' | 'phone';
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** A record, or bytes of a file as they are. */
  readonly payload: RecordShape | 'bytes';
  readonly summary: string;
}

export const topics: readonly TopicDoc[] = [
  {
    id: 'state',
    address: '{device}/state',
    from: 'device',
    qos: 1,
    retain: true,
    payload: statePayload,
    summary: 'Birth and last will. A will that names an older connection than the last birth means nothing.',
  },
  {
    id: 'health',
    address: '{device}/health',
    from: 'device',
    qos: 1,
    retain: true,
    payload: gatewayHealth,
    summary: 'How the device is doing: every 30 s and on change.',
  },
  {
    id: 'basket',
    address: '{device}/basket',
    from: 'device',
    qos: 1,
    retain: true,
    payload: basketSnapshot,
    summary: 'The basket as it stands; an empty retained message clears it when the session closes.',
  },
  {
    id: 'liveWeight',
    address: '{device}/live/weight',
    from: 'device',
    qos: 0,
    retain: false,
    payload: liveWeight,
    summary: 'Mass on every plate, ten times a second while a lease lasts (`live.start`).',
  },
  {
    id: 'liveCounts',
    address: '{device}/live/counts',
    from: 'device',
    qos: 0,
    retain: false,
    payload: liveCounts,
    summary: 'Raw counts of every cell, ten times a second while a lease lasts.',
  },
  {
    id: 'ack',
    address: '{device}/ack',
    from: 'store',
    qos: 1,
    retain: true,
    payload: ackPayload,
    summary: 'Everything up to this sequence is safe in the store, so the device may forget it.',
  },
  {
    id: 'catalogue',
    address: '_store/catalogue',
    from: 'store',
    qos: 1,
    retain: true,
    payload: manifest,
    summary:
      "Which catalogue all devices shall have; `version` is the document's own. Empty: none is offered, devices keep theirs.",
  },
  {
    id: 'cataloguePart',
    address: '_store/catalogue/{part}',
    from: 'store',
    qos: 1,
    retain: true,
    payload: 'bytes',
    summary: 'A part of the catalogue (JSON), at most 128 KiB, under the `name` that the manifest gives it.',
  },
  {
    id: 'planogram',
    address: '_store/planogram/{device}',
    from: 'store',
    qos: 1,
    retain: true,
    payload: manifest,
    summary: "Which planogram this device's plates shall have; the same as for catalogues.",
  },
  {
    id: 'planogramPart',
    address: '_store/planogram/{device}/{part}',
    from: 'store',
    qos: 1,
    retain: true,
    payload: 'bytes',
    summary: 'A part of the planogram (JSON), at most 128 KiB.',
  },
  {
    id: 'gallery',
    address: '_store/gallery',
    from: 'store',
    qos: 1,
    retain: true,
    payload: manifest,
    summary:
      "Which gallery of reference embeddings is in force; `version` is the gallery file's own. Empty: none is offered.",
  },
  {
    id: 'galleryPart',
    address: '_store/gallery/{part}',
    from: 'store',
    qos: 1,
    retain: true,
    payload: 'bytes',
    summary: 'A part of the gallery file, at most 128 KiB, under the `name` that the manifest gives it.',
  },
  {
    id: 'offers',
    address: '_store/offers',
    from: 'store',
    qos: 1,
    retain: true,
    payload: offersPayload,
    summary: 'Deals that displays show; an empty retained message clears them.',
  },
  {
    id: 'release',
    address: '_store/release',
    from: 'store',
    qos: 1,
    retain: true,
    payload: releaseNotice,
    summary:
      'The release that devices take, with its signed description, and in what order they do; an empty retained message ends the offer.',
  },
  {
    id: 'keys',
    address: '_store/keys',
    from: 'store',
    qos: 1,
    retain: true,
    payload: 'bytes',
    summary:
      "Whose commands devices take: a `key-list`, signed by the store's root key (COSE_Sign1, see Signed commands).",
  },
  {
    id: 'phoneSay',
    address: '{device}/phone/{channel}/say',
    from: 'phone',
    qos: 1,
    retain: false,
    payload: phoneSay,
    summary: "A shopper's phone joins, has scanned something, or leaves.",
  },
  {
    id: 'phoneHeard',
    address: '{device}/phone/{channel}/heard',
    from: 'device',
    qos: 1,
    retain: false,
    payload: phoneHeard,
    summary: 'What became of what a phone said.',
  },
  {
    id: 'phoneBasket',
    address: '{device}/phone/{channel}/basket',
    from: 'device',
    qos: 1,
    retain: true,
    payload: basketSnapshot,
    summary:
      'The basket, for the phones that joined; an empty retained message clears it when the session ends.',
  },
];

export const requestDoc = { payload: requestPayload, qos: 1, retain: false } as const;
export const responseDoc = { payload: responsePayload, qos: 1, retain: false } as const;
