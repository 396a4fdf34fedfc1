export interface StreamHandlers<Picture, Update> {
  /** The first message of every connection: everything at once. */
  picture(picture: Picture): void;
  update(update: Update): void;
  lost(): void;
}

/** The gateway says something every two seconds; three of those missing and the connection counts as lost. */
const silenceMs = 6_500;
const retryFirstMs = 1_000;
const retryMaxMs = 10_000;

/**
 * Listens to the gateway for ever: notices silence as well as a closed connection, and tries again by itself.
 * @param kinds the kinds of updates that come after the picture
 */
export function listen<Picture, Update>(
  url: string,
  kinds: readonly string[],
  handlers: StreamHandlers<Picture, Update>,
): void {
  let retryMs = retryFirstMs;
  let watchdog: ReturnType<typeof setTimeout> | undefined;

  const connect = () => {
    const source = new EventSource(url);
    const giveUp = () => {
      clearTimeout(watchdog);
      source.close();
      handlers.lost();
      setTimeout(connect, retryMs);
      retryMs = Math.min(retryMaxMs, retryMs * 1.6);
    };
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(giveUp, silenceMs);
    };
    const hear = <Payload>(name: string, handle: (payload: Payload) => void) => {
      source.addEventListener(name, (message: MessageEvent<string>) => {
        alive();
        handle(JSON.parse(message.data));
      });
    };
    hear<Picture>('picture', (picture) => {
      retryMs = retryFirstMs;
      handlers.picture(picture);
    });
    for (const kind of kinds) hear<Update>(kind, handlers.update);
    hear('ping', () => {});
    source.addEventListener('error', giveUp);
    alive();
  };
  connect();
}
