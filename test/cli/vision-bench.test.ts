import test from 'ava';
import { instructionsOf } from '#cli/vision-machine.ts';
import { runCli } from '#test/support/cli.ts';
import { smallModel } from '../vision/model-folder.ts';

test('a bench tells all its figures, for people and for programs', async (t) => {
  const args = ['vision', 'bench', '--model', smallModel, '--rounds', '3'];
  const { code, stdout, stderr } = await runCli([...args, '--json']);
  t.is(code, 0, stderr);
  const { machine, perSecond, ratios, ms, residentMB, ...rest } = JSON.parse(stdout);
  t.deepEqual(rest, { model: 'small 1', threads: 1, rounds: 3, looks: 100 });
  t.is(typeof machine.processor, 'string');
  for (const value of [perSecond, ratios, ms, residentMB].flatMap((one) => Object.values<number>(one))) {
    t.true(value > 0 && Number.isFinite(value));
  }
  t.true(residentMB.start <= residentMB.end);
  const text = await runCli(args);
  t.regex(text.stdout, /^int8 \/ fp32 +\d+\.\d\d$/m);
  t.regex(text.stdout, /^overhead +\d+\.\d{3}$/m);
});

test('a bench without a model says which file is missing', async (t) => {
  const { code, stderr } = await runCli(['vision', 'bench', '--model', '/nonexistent/model']);
  t.is(code, 1);
  t.regex(stderr, /^CW-VIS-001 \/nonexistent\/model could not be read: no such file\n$/);
});

for (const [name, text, instructions, dotProducts] of [
  [
    'a server',
    'processor\t: 0\nflags\t\t: fpu sse4_1 avx2 avx512f avx512_vnni\n',
    ['sse4_1', 'avx2', 'avx512f', 'avx512_vnni'],
    true,
  ],
  ['an older desktop', 'flags\t: fpu sse4_1 avx2\n', ['sse4_1', 'avx2'], false],
  [
    'a Raspberry Pi 5',
    'Features\t: fp asimd evtstrm aes crc32 asimdhp cpuid asimdrdm asimddp\n',
    ['asimd', 'asimddp'],
    true,
  ],
  ['a Raspberry Pi 4', 'Features\t: fp asimd evtstrm crc32 cpuid\n', ['asimd'], false],
  ['an unknown system', '', [], false],
] as const) {
  test(`the vector instructions of ${name} are told`, (t) => {
    t.deepEqual(instructionsOf(text), { instructions: [...instructions], dotProducts });
  });
}
