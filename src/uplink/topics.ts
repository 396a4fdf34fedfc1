import { UplinkError } from './errors.ts';

/**
 * Names of topics: `cw/1/{store}/{device}/…`. Names match `[a-z0-9-]+` and hold no dots, because other brokers map
 * them; the type `item.added` travels on `event/item/added`. `_store` is the store's own place and no device's name.
 */
export interface Place {
  readonly store: string;
  readonly device: string;
}

const version = 'cw/1';
const storeName = '_store';
const namePattern = /^[a-z0-9-]{1,64}$/;
const dottedPattern = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/;
/** No topic of the contract is longer; MQTT would allow 65,535 bytes. */
const longestTopic = 512;

/** True for what may stand for a store or a device in a topic. */
export function isName(text: string): boolean {
  return namePattern.test(text);
}

function named(kind: string, text: string): string {
  if (isName(text)) return text;
  throw new UplinkError(
    'CW-UPL-030',
    `the ${kind} is named ${JSON.stringify(text)}; use 1 to 64 of a-z, 0-9 and -`,
  );
}

/** `item.added` → `item/added`. Throws CW-UPL-030 for anything but dotted names. */
function levels(dotted: string): string {
  if (dottedPattern.test(dotted)) return dotted.replaceAll('.', '/');
  throw new UplinkError(
    'CW-UPL-030',
    `${JSON.stringify(dotted)} is not a dotted name of a-z, 0-9 and -, as item.added`,
  );
}

/** `cw/1/{store}/{device}`, without a slash at its end. Throws CW-UPL-030. */
export function devicePrefix(place: Place): string {
  return `${version}/${named('store', place.store)}/${named('device', place.device)}`;
}

/** `cw/1/{store}/_store`: manifests and offers of the store. Throws CW-UPL-030. */
export function storePrefix(store: string): string {
  return `${version}/${named('store', store)}/${storeName}`;
}

/** Below a device: `event/item/added`. */
export function eventTopic(type: string): string {
  return `event/${levels(type)}`;
}

/** Below a device: `request/session/begin`. */
export function requestTopic(command: string): string {
  return `request/${levels(command)}`;
}

/** Below a device: `response/session/begin`. */
export function responseTopic(command: string): string {
  return `response/${levels(command)}`;
}

/** The client id that a device always bears, so that two of them are noticed. */
export function clientId(place: Place): string {
  return `cw-${named('store', place.store)}-${named('device', place.device)}`;
}

export type ParsedTopic =
  | { readonly kind: 'state' | 'health' | 'basket' | 'ack'; readonly place: Place }
  | { readonly kind: 'event'; readonly place: Place; readonly type: string }
  | { readonly kind: 'live'; readonly place: Place; readonly what: string }
  | { readonly kind: 'request' | 'response'; readonly place: Place; readonly command: string }
  | { readonly kind: 'phone'; readonly place: Place; readonly channel: string; readonly what: string }
  | { readonly kind: 'store'; readonly store: string; readonly path: readonly string[] };

/**
 * What a topic of the contract names, or undefined for any other text: foreign trees, wildcards, empty levels, control
 * characters, dots, over-long topics. Never throws; topics come from the network.
 */
export function parseTopic(topic: string): ParsedTopic | undefined {
  if (topic.length > longestTopic) return undefined;
  const [cw, one, store, device, kind, ...rest] = topic.split('/');
  if (`${cw}/${one}` !== version || store === undefined || device === undefined || !isName(store)) {
    return undefined;
  }
  const below = kind === undefined ? [] : [kind, ...rest];
  if (below.length === 0 || !below.every(isName)) return undefined;
  if (device === storeName) return { kind: 'store', store, path: below };
  if (!isName(device)) return undefined;
  return parseDeviceTopic({ store, device }, below[0] ?? '', rest);
}

function parseDeviceTopic(place: Place, kind: string, rest: readonly string[]): ParsedTopic | undefined {
  switch (kind) {
    case 'state':
    case 'health':
    case 'basket':
    case 'ack':
      return rest.length === 0 ? { kind, place } : undefined;
    case 'event':
      return rest.length > 0 ? { kind, place, type: rest.join('.') } : undefined;
    case 'live':
      return rest.length > 0 ? { kind, place, what: rest.join('/') } : undefined;
    case 'request':
    case 'response':
      return rest.length > 0 ? { kind, place, command: rest.join('.') } : undefined;
    case 'phone': {
      const [channel, what, ...more] = rest;
      if (channel === undefined || what === undefined || more.length > 0) return undefined;
      return { kind, place, channel, what };
    }
    default:
      return undefined;
  }
}

/**
 * Whether an MQTT filter (`+` one level, `#` the rest) matches a topic. Topics that begin with `$` match no filter that
 * begins with a wildcard (MQTT 5, §4.7.2).
 */
export function matchesFilter(filter: string, topic: string): boolean {
  const filters = filter.split('/');
  const parts = topic.split('/');
  if (topic.startsWith('$') && (filters[0] === '+' || filters[0] === '#')) return false;
  for (let i = 0; i < filters.length; i++) {
    const wanted = filters[i];
    if (wanted === '#') return true;
    if (i >= parts.length) return false;
    if (wanted !== '+' && wanted !== parts[i]) return false;
  }
  return filters.length === parts.length;
}
