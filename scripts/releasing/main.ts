/** See scripts/release. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeError } from '#base/errors.ts';
import { privateKeyOf, publicKeyOf } from '#cli/key-files.ts';
import { architectures } from '#updates/facts.ts';
import { ReleaseFailure } from './failure.ts';
import { makeRelease } from './make.ts';
import { chooseOrigin } from './tree.ts';
import { verifyRelease } from './verify.ts';

const repository = resolve(import.meta.dirname, '../..');

const help = `Makes the archives that carts and shelves are set up and updated from.

scripts/release [--key PRIVATE.pem] [OPTIONS]
scripts/release --verify DIR --key PUBLIC.pem

Into out/release go, for each kind of processor, cartwright-VERSION-linux-ARCH.tar.gz, its bill of materials (.cdx.json,
CycloneDX 1.6), its signature (.release), and SHA256SUMS. The same commit gives the same bytes on every machine.

  --key FILE       sign with this Ed25519 key (make one with scripts/cartwright key make); without it nothing is signed,
                   and devices take the archive by hand alone
  --arch LIST      x64, arm64 or both (default: x64,arm64)
  --out DIR        default: out/release
  --commit NAME    release this commit, whatever the working tree holds (default: HEAD, and nothing uncommitted)
  --working-tree   release the files as they lie here, committed or not: for trials
  --version TEXT   a version other than package.json's: for trials
  --from VERSION   the lowest version that may update to it directly
  --verify DIR     check what lies in a folder, with the public key that --key names
  --help

The time in the archives is SOURCE_DATE_EPOCH, else the commit's. npm fetches packages, and checks each against the lock
file; it is the one step that needs the network, and the next release of the same lock file does not.

Exit codes: 0 done, 1 failed or not verified, 2 wrong usage`;

const say = (line: string) => process.stdout.write(`${line}\n`);
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      key: { type: 'string' },
      arch: { type: 'string', default: architectures.join(',') },
      out: { type: 'string', default: 'out/release' },
      commit: { type: 'string' },
      'working-tree': { type: 'boolean', default: false },
      version: { type: 'string' },
      from: { type: 'string' },
      verify: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    say(help);
    return 0;
  }
  if (values.verify !== undefined) {
    if (values.key === undefined) throw usage('--verify needs the public key: --key PUBLIC.pem');
    for (const line of await verifyRelease(values.verify, await publicKeyOf(values.key))) say(line);
    return 0;
  }
  const asked = values.arch.split(',');
  const wanted = architectures.filter((arch) => asked.includes(arch));
  if (wanted.length !== asked.length)
    throw usage(`--arch is '${values.arch}'; known: ${architectures.join(', ')}`);
  const key = values.key === undefined ? undefined : await privateKeyOf(values.key);
  const origin = await chooseOrigin(repository, {
    commit: values.commit,
    workingTree: values['working-tree'],
  });
  const made = await makeRelease({
    repository,
    origin,
    architectures: wanted,
    out: resolve(values.out),
    cache: resolve(repository, '.cache/release'),
    log: say,
    ...(key === undefined ? {} : { key }),
    ...(values.version === undefined ? {} : { version: values.version }),
    ...(values.from === undefined ? {} : { from: values.from }),
  });
  for (const { archive, bytes, unpackedBytes, files, sha256 } of made)
    say(
      `${archive}\n  ${megabytes(bytes)}, unpacked ${megabytes(unpackedBytes)} in ${files} files, ${sha256}`,
    );
  if (key === undefined)
    say('Nothing is signed: devices do not take these over the network (--key FILE signs).');
  return 0;
}

const usage = (message: string) => Object.assign(new Error(message), { code: 'ERR_PARSE_ARGS_USAGE' });

try {
  process.exitCode = await main();
} catch (error) {
  const { code = '' } = error as { code?: string };
  const isUsage = code.startsWith('ERR_PARSE_ARGS');
  const isTold = error instanceof ReleaseFailure || code.startsWith('CW-') || isUsage;
  console.error(isTold ? describeError(error) : error);
  if (isUsage) console.error('See scripts/release --help.');
  process.exitCode = isUsage ? 2 : 1;
}
