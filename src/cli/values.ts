import { isName } from '#uplink/topics.ts';
import { CliError } from './errors.ts';

function wrong(option: string, text: string, expected: string): CliError {
  return new CliError('CW-CLI-001', `${option} ${JSON.stringify(text)}: must be ${expected}`);
}

/** Reads an integer option. The reader throws CW-CLI-001. */
export function integerFrom(option: string, least: number, most = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const to = most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`;
    throw wrong(option, text, `an integer from ${least}${to}`);
  };
}

/** Longest time that an option may ask for, s: a day; timers of the machine end at 24.8 of them. */
const mostSeconds = 86_400;

/** Reads a time in seconds, fractions allowed. The reader throws CW-CLI-001. */
export function secondsFrom(option: string) {
  return (text: string): number => {
    const value = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= mostSeconds) return value;
    throw wrong(option, text, `a number of seconds above 0, ${mostSeconds} at most`);
  };
}

/** Reads a store's or a device's name. The reader throws CW-CLI-001. */
export function nameFrom(option: string) {
  return (text: string): string => {
    if (isName(text)) return text;
    throw wrong(option, text, 'a name of a-z, 0-9 and -, 64 characters at most');
  };
}

/** `localhost` and `store-broker:1884` are as good as a whole address. Throws CW-CLI-001. */
export function brokerUrl(text: string): string {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `mqtt://${text}`;
  const valid = URL.canParse(url) && new URL(url).hostname !== '';
  if (valid && /^mqtts?:\/\//i.test(url)) return url;
  throw wrong('--broker', text, 'mqtt://HOST[:PORT] or mqtts://HOST[:PORT]');
}

/** An address to listen on. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT` or `PORT` (of loopback), for --listen. Throws CW-CLI-001. */
export function addressFrom(text: string): Address {
  const [, host, port] = /^(?:(\[[0-9a-f:]+\]|[^:]+):)?(\d{1,5})$/i.exec(text) ?? [];
  if (port !== undefined && Number(port) <= 65_535) {
    return { host: (host ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port: Number(port) };
  }
  throw new CliError('CW-CLI-001', `--listen ${JSON.stringify(text)}: must be HOST:PORT or PORT`);
}

/** Reads host names and addresses with commas between, in lower case. Throws CW-CLI-001. */
export function namesFrom(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  if (names.every((name) => /^(?:[a-z0-9.-]{1,253}|[0-9a-f:]{2,39})$/.test(name))) return names;
  throw new CliError(
    'CW-CLI-001',
    `--name ${JSON.stringify(text)}: must be host names or addresses, with commas between`,
  );
}
