import { configurationDocument, exampleConfig } from '#config/docs.ts';
import { errorsDocument } from './errors.ts';

/** Documents that are made from the configuration schemas and the rooms' tables of errors. */
export const configDocuments: readonly {
  readonly path: string;
  readonly render: () => string | Promise<string>;
}[] = [
  { path: 'docs/configuration.md', render: configurationDocument },
  { path: 'config/cartwright.example.yaml', render: exampleConfig },
  { path: 'docs/errors.md', render: errorsDocument },
];
