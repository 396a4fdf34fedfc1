import { fileURLToPath } from 'node:url';
import anyTest from 'ava';
import { OptibootBoard } from '#test/support/optiboot-board.ts';
import { needs } from '#test/tools.ts';
import { firmwareDiffers, flashBoards } from '#updates/firmware.ts';

const test = needs(anyTest, 'socat', 'avrdude');
const release = fileURLToPath(new URL('../../', import.meta.url));

test('boards are written where releases bring other firmware', (t) => {
  t.false(firmwareDiffers({ 'load-cell-bridge': '1.0.0' }, { 'load-cell-bridge': '1.0.0' }));
  t.true(firmwareDiffers({ 'load-cell-bridge': '1.0.0' }, { 'load-cell-bridge': '1.1.0' }));
  t.true(firmwareDiffers({}, { 'load-cell-bridge': '1.1.0' }));
});

test('a board that a failed trial has changed is written again, and asked what it runs', async (t) => {
  const board = await OptibootBoard.plugIn({ program: { bridge: '9.9.9' }, serial: 'CART0001' });
  t.teardown(() => board.unplug());
  const written = await flashBoards(release, { again: [board.port, '/dev/no-such-board'] });
  t.deepEqual(written, [{ port: board.port, ok: true, before: '9.9.9' }]);
  t.true(board.pagesWritten > 0);
  t.is(board.serial, 'CART0001');
});

test('a board that does not take what is written is told, and nothing else happens', async (t) => {
  const board = await OptibootBoard.plugIn({ program: { bridge: '0.9.0' }, wornAt: 200 });
  t.teardown(() => board.unplug());
  t.deepEqual(await flashBoards(release, { again: [board.port] }), [
    { port: board.port, ok: false, before: '0.9.0' },
  ]);
});

test('a release without firmware leaves boards alone', async (t) => {
  t.deepEqual(await flashBoards('/nonexistent'), []);
});
