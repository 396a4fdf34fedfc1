/** A line as Node prints it where it was started with `--inspect=127.0.0.1:0`. */
const listening = /Debugger listening on (ws:\S+)/;

/** The address of a program's inspector, from a line that it printed. */
export const inspectorUrl = (line: string): string | undefined => listening.exec(line)?.[1];

/** Waits for good without using the processor: what runs this is hung as by a loop without end. */
const hang = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)';

interface Said {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly sessionId?: string; readonly workerInfo?: { readonly title?: string } };
}

/**
 * Hangs a thread of a program that was started with an inspector: its main thread, or the worker whose name holds
 * `worker`. Nothing in the program helps with that.
 */
export async function hangThread(url: string, worker?: string): Promise<void> {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  const send = (message: object) => socket.send(JSON.stringify(message));
  try {
    if (worker === undefined) {
      send({ id: 1, method: 'Runtime.evaluate', params: { expression: hang } });
      // It never answers; the message has to be there before the connection ends.
      await new Promise((resolve) => setTimeout(resolve, 100));
      return;
    }
    const sessionId = await new Promise<string>((resolve) => {
      socket.addEventListener('message', ({ data }) => {
        const { method, params } = JSON.parse(String(data)) as Said;
        if (method !== 'NodeWorker.attachedToWorker' || params?.sessionId === undefined) return;
        if (params.workerInfo?.title?.includes(worker) === true) resolve(params.sessionId);
      });
      send({ id: 1, method: 'NodeWorker.enable', params: { waitForDebuggerOnStart: false } });
    });
    const message = JSON.stringify({ id: 2, method: 'Runtime.evaluate', params: { expression: hang } });
    const sent = new Promise((resolve) => {
      socket.addEventListener('message', ({ data }) => {
        if ((JSON.parse(String(data)) as Said).id === 3) resolve(undefined);
      });
    });
    send({ id: 3, method: 'NodeWorker.sendMessageToWorker', params: { sessionId, message } });
    await sent;
  } finally {
    socket.close();
  }
}
