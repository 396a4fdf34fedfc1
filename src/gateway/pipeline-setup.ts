import { Ledger } from '#events/ledger.ts';
import { Pipeline, type PipelineOptions } from '#pipeline/pipeline.ts';
import type { Uplink } from '#uplink/uplink.ts';
import type { GatewaySetup } from './setup.ts';

/** The pipeline of a device, which goes on with the ledger that its outbox has. */
export function startPipeline(
  setup: GatewaySetup,
  { ledger, boot, nextSequence }: Uplink['start'],
  options: Pick<PipelineOptions, 'startUs' | 'sink' | 'onWeighed' | 'onStock' | 'state'>,
): Pipeline {
  const { store, device } = setup.config;
  return new Pipeline({
    ...setup,
    ...options,
    ledger: new Ledger({ store, device, ledger }, { boot, nextSequence, versions: setup.versions }),
    sessionSalt: ledger,
  });
}
