import { renderCddl } from '#events/cddl.ts';
import { vectorDocuments } from './vectors.ts';

/** Documents that are made from the tables of the event contract. */
export const eventDocuments: readonly {
  readonly path: string;
  readonly render: () => string | Promise<string>;
}[] = [{ path: 'docs/events.cddl', render: renderCddl }, ...vectorDocuments];
