import test from 'ava';
import { Command } from 'commander';
import { commands, registerCommands } from '#cli/commands.ts';

test('the list of commands says of each what the command says of itself', async (t) => {
  for (const { usage, summary, load } of commands) {
    const program = new Command();
    (await load())(program);
    const [command] = program.commands;
    t.is(command?.description(), summary);
    const words = command?.registeredArguments.map((argument) => {
      const shown = `${argument.name()}${argument.variadic ? '...' : ''}`;
      return argument.required ? `<${shown}>` : `[${shown}]`;
    });
    t.is([command?.name(), ...(words ?? [])].join(' '), usage);
  }
});

test('only the command that is asked for is loaded with its options', async (t) => {
  const optionsOf = async (...words: string[]) => {
    const program = new Command();
    await registerCommands(program, words);
    t.is(program.commands.length, commands.length);
    const long = (command: Command) => command.options.filter(({ long }) => long !== '--help').length;
    return program.commands.filter((command) => long(command) > 0).map((command) => command.name());
  };
  t.deepEqual(await optionsOf('replay', 'trace.ndjson'), ['replay']);
  t.deepEqual(await optionsOf('help', 'score'), ['score']);
  t.deepEqual(await optionsOf('--help'), []);
});
