import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { Authority, initAuthority } from '#authority/authority.ts';
import { type EnrolmentService, startEnrolment } from '#authority/service.ts';
import { silentLogger } from '#base/log.ts';
import { fingerprintOf } from '#identity/chain.ts';
import { type ClaimFile, checkClaim } from '#identity/claim.ts';
import type { HardwareFacts } from '#identity/hardware.ts';

export const store = 'lab';
/** The machine that tests are provisioned on. */
export const hardware: HardwareFacts = {
  board: ['10000000a1b2c3d4'],
  network: ['dc:a6:32:00:00:01'],
  storage: ['0353445343313647'],
};
export const hour = 3_600_000;

/** A folder that goes with the test. */
export async function scratch(t: Pick<ExecutionContext, 'teardown'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-authority-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface Bench {
  readonly folder: string;
  readonly authority: Authority;
  readonly fingerprint: string;
  readonly url: string;
  /** The authority's clock, UTC ms: tests move it. */
  readonly clock: { ms: number };
  /** Devices with whose enrolment it changed who is shut out. */
  readonly ended: string[];
  readonly service: EnrolmentService;
  /** What a device is given: a claim for its name. */
  claim(device: string, replaces?: boolean): ClaimFile;
}

/** An authority of a store with its enrolment service on loopback. */
export async function openBench(
  t: Pick<ExecutionContext, 'teardown'>,
  options: { readonly broker?: string; readonly nowUs?: () => number } = {},
): Promise<Bench> {
  const folder = join(await scratch(t), 'authority');
  const clock = { ms: Date.now() };
  await initAuthority(
    folder,
    store,
    clock.ms,
    options.broker === undefined ? {} : { broker: options.broker },
  );
  const authority = await Authority.open(folder);
  t.teardown(() => authority.close());
  const ended: string[] = [];
  const service = await startEnrolment({
    host: '127.0.0.1',
    port: 0,
    authority,
    certificate: await authority.server(['127.0.0.1'], clock.ms),
    nowMs: () => clock.ms,
    log: silentLogger,
    onChanged: async (device) => void ended.push(device),
    ...(options.nowUs === undefined ? {} : { nowUs: options.nowUs }),
  });
  t.teardown(() => service.close());
  const url = `https://127.0.0.1:${service.port}`;
  const fingerprint = fingerprintOf(new X509Certificate(authority.root));
  return {
    folder,
    authority,
    fingerprint,
    url,
    clock,
    ended,
    service,
    claim: (device, replaces = false) =>
      checkClaim({
        authority: url,
        fingerprint,
        store,
        device,
        claim: authority.claim(device, clock.ms, 72 * hour, replaces).claim,
      }),
  };
}
