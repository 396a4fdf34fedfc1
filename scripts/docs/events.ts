import { renderCddl } from '#events/cddl.ts';
import { renderAsyncApi } from './asyncapi.ts';
import { renderMqttReference } from './mqtt.ts';
import { signedDocuments } from './signed.ts';
import { vectorDocuments } from './vectors.ts';

/** Documents that are made from the tables of the event contract. */
export const eventDocuments: readonly {
  readonly path: string;
  readonly render: () => string | Promise<string>;
}[] = [
  { path: 'docs/events.cddl', render: renderCddl },
  { path: 'docs/asyncapi.yaml', render: renderAsyncApi },
  { path: 'docs/mqtt.md', render: renderMqttReference },
  ...vectorDocuments,
  ...signedDocuments,
];
