import type { Config } from './schema.ts';

/** The addresses of the store's broker: one, or those of its nodes. */
export function brokerUrls(broker: Pick<Config['broker'], 'url' | 'urls'>): readonly string[] {
  return broker.urls ?? [broker.url];
}
