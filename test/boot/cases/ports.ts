import { connect } from 'node:net';
import type { Bench } from '../bench.ts';
import { expect } from '../case.ts';

export const title = 'nothing of a cart listens but on loopback, seen from outside';

/** Does listen to everybody: without it nothing would be known. */
const control = 7777;

/** See `Case`. */
export async function run(bench: Bench): Promise<readonly string[]> {
  const { box, watch, forwards } = await bench.living();
  await watch.birth();
  const listener = `require('node:net').createServer((socket) => socket.end('here')).listen(${control})`;
  await box.sh(`systemd-run --quiet --unit=control /opt/cartwright/current/node_modules/.bin/node -e "${listener}"
for try in $(seq 120); do ss -Hltn | grep -q ':${control} ' && break; sleep 1; done`);
  const answered: number[] = [];
  for (const [host, port] of forwards) if (await answers(host)) answered.push(port);
  expect(answered.includes(control), 'the way in from outside does not work, so that this says nothing');
  expect(answered.length === 1, `reached from outside: ${answered.filter((port) => port !== control)}`);
  const sockets = (await box.sh('ss -Hlntup; systemctl stop control.service')).trim().split('\n');
  const open = sockets.filter(
    (line) => !/\s(?:127\.\d+\.\d+\.\d+(?:%lo)?|\[::1\]):\d+\s/.test(line) && !line.includes(`:${control} `),
  );
  expect(open.length === 0, `listens to others:\n${open.join('\n')}`);
  const pages = sockets.filter((line) => /:80\d\d\s/.test(line)).length;
  expect(pages > 0, `the gateway's pages are not on loopback either:\n${sockets.join('\n')}`);
  return [`${sockets.length} sockets listen, on loopback alone`];
}

/** Whether something inside answers a line; QEMU's own end takes every connection and ends it where nobody is inside. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const over = (outcome: boolean) => {
      clearTimeout(silent);
      socket.destroy();
      resolve(outcome);
    };
    const silent = setTimeout(() => over(false), 20_000);
    socket.once('connect', () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    socket.once('data', () => over(true));
    socket.once('close', () => over(false));
    socket.once('error', () => over(false));
  });
}
