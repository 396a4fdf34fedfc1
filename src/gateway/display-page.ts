import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { startDisplayPage } from '#pages/display/server.ts';
import { GatewayDisplay } from './display.ts';
import type { Gateway } from './gateway.ts';
import { ProductPictures } from './product-pictures.ts';
import type { GatewaySetup } from './setup.ts';

/**
 * Serves the shopper's display; resolves with what ends it. A cart weighs and sells without its display too: where it
 * can't be served, that is said and the gateway goes on.
 */
export async function startDisplay(
  gateway: Gateway,
  setup: GatewaySetup,
  clock: Clock,
  log: Logger,
): Promise<(() => Promise<void>) | undefined> {
  let source: GatewayDisplay | undefined;
  try {
    const pictures = await ProductPictures.list(setup.picturesFolder);
    source = new GatewayDisplay({ gateway, setup, clock, log, pictures });
    const { port } = setup.config.display;
    const page = await startDisplayPage({ port, host: '127.0.0.1', source, log });
    log.info({ url: page.url }, 'shopper display');
    const shown = source;
    return async () => {
      shown.stop();
      await page.close();
    };
  } catch (error) {
    source?.stop();
    log.error(
      { err: describeError(error) },
      "the shopper's display is not served; the gateway runs without it",
    );
    return undefined;
  }
}
