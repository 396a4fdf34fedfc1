import { join } from 'node:path';

/** Where things lie on a device. `--root` puts all of them below another folder, for tests. */
export interface Places {
  /** Releases, one folder each, and the links to them. */
  readonly releases: string;
  /** Leads to the release in service. */
  readonly current: string;
  /** Leads to the last release that was found to be good: the updater itself runs from there. */
  readonly good: string;
  /** The updater's own folder. */
  readonly own: string;
  /** The updater's state. */
  readonly state: string;
  readonly configFolder: string;
  readonly config: string;
  readonly releaseKeys: string;
  /** The gateway's folder: it may have put anything there. */
  readonly data: string;
  /** Written by the gateway, at every report of its health. */
  readonly healthy: string;
  /** Unit files of systemd. */
  readonly units: string;
}

/** Below the gateway's folder: what it asks the updater for, and what it has fetched. */
export const requestPath = ['updates', 'request.json'] as const;
export const incomingPath = ['updates', 'incoming'] as const;

/** The places below `root`. */
export function placesUnder(root: string): Places {
  const at = (...parts: string[]) => join(root, ...parts);
  return {
    releases: at('opt/cartwright/releases'),
    current: at('opt/cartwright/current'),
    good: at('opt/cartwright/good'),
    own: at('var/lib/cartwright-updater'),
    state: at('var/lib/cartwright-updater/state.json'),
    configFolder: at('etc/cartwright'),
    config: at('etc/cartwright/cartwright.yaml'),
    releaseKeys: at('etc/cartwright/release-keys'),
    data: at('var/lib/cartwright'),
    healthy: at('run/cartwright/healthy.json'),
    units: at('etc/systemd/system'),
  };
}
