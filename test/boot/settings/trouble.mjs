// A driver that makes the trouble whose name is left in a file: `hang` never gives the main thread back, `leak` takes memory
// outside of Node's heap until something ends it.
import { readFileSync, rmSync } from 'node:fs';

const wish = '/run/cartwright/trouble';
const chunkBytes = 16 * 1024 * 1024;

export default (z) => ({
  contract: 1,
  name: 'trouble',
  kind: 'temperature',
  options: z.strictObject({}),
  async open(_options, { id, clock }) {
    const kept = [];
    let timer;
    return {
      identity: { model: 'trouble' },
      faults: { subscribe: () => () => {} },
      async start(sink) {
        timer = setInterval(() => {
          sink({ kind: 'temperature', source: id, atUs: clock.nowUs(), milliCelsius: 20_000 });
          const word = takeWish();
          if (word === 'leak') setInterval(() => kept.push(Buffer.alloc(chunkBytes, 1)), 50);
          while (word === 'hang');
        }, 500);
      },
      async stop() {
        clearInterval(timer);
      },
    };
  },
});

function takeWish() {
  try {
    const word = readFileSync(wish, 'utf8').trim();
    rmSync(wish);
    return word;
  } catch {
    return undefined;
  }
}
