/** Resolves at SIGINT or SIGTERM, or when `now` is called. A second signal ends the process at once. */
export function untilSignal(): { readonly promise: Promise<void>; now(): void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  let asked = false;
  const onSignal = () => {
    if (asked) process.exit(130);
    asked = true;
    resolve();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return { promise, now: resolve };
}
