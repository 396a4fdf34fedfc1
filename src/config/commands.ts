import { z } from 'zod';

/** The key `commands` of a configuration. */
export const commandsSchema = z
  .strictObject({
    signed: z
      .enum(['auto', 'always'])
      .default('auto')
      .describe(
        'Whether commands that change something have to be signed: always, or (auto) wherever the broker is not on loopback. A broker on loopback that hands messages on to others needs always.',
      ),
    keysFile: z
      .string()
      .optional()
      .describe(
        'File with the public keys whose commands are taken, as `cartwright key` writes it; read again when it changes.',
      ),
    rootKeyFile: z
      .string()
      .optional()
      .describe(
        "The store's root key, public half, PEM: lists of keys that it signed are taken from `_store/keys`.",
      ),
  })
  .describe('Whose commands are taken.');

export type CommandsConfig = z.infer<typeof commandsSchema>;

/** Whether a broker's address stays on this machine: then nobody else hears it, or speaks on it. */
export function isLoopbackBroker(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
