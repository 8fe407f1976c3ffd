/** @file Help texts, made from the declarations of commands; at most 80 columns. */
import type { CommandSpec, CommandTable, OptionSpec, OptionSpecs } from './command.js';
import { placeholder } from './parse.js';
import { bold, wrap } from './terminal.js';

const WIDTH = 80;

/** The help of one command. */
export function commandHelp(
  spec: Omit<CommandSpec<never>, 'options' | 'run'> & { options: OptionSpecs },
): string {
  const parts = [
    wrap(spec.summary, WIDTH),
    wrap(`${bold('usage:')} afterimage ${spec.name} ${spec.usage}`, WIDTH, '       '),
  ];
  if (spec.details) parts.push(wrap(spec.details, WIDTH));
  const groups = new Map<string, [string, OptionSpec][]>();
  for (const entry of Object.entries(spec.options)) {
    const group = entry[1].group ?? 'options';
    groups.set(group, [...(groups.get(group) ?? []), entry]);
  }
  for (const [group, options] of groups)
    parts.push(`${bold(`${group}:`)}\n${options.map(([name, o]) => optionHelp(name, o)).join('\n')}`);
  const examples = spec.examples.map(([line, does]) => `  ${line}\n      ${does}`);
  if (examples.length > 0) parts.push(`${bold('examples:')}\n${examples.join('\n')}`);
  return `${parts.join('\n\n')}\n`;
}

/** A table of commands with their summaries. */
export function tableHelp(title: string, usage: string, commands: CommandTable, more: string): string {
  const width = Math.max(...Object.keys(commands).map((n) => n.length)) + 2;
  const lines = Object.entries(commands).map(([name, { summary }]) =>
    wrap(`  ${name.padEnd(width)}${summary}`, WIDTH, ' '.repeat(width + 2)),
  );
  return `${title}\n\n${bold('usage:')} ${usage}\n\n${bold('commands:')}\n${lines.join('\n')}\n\n${more}\n`;
}

function optionHelp(name: string, option: OptionSpec): string {
  const value = option.type === 'boolean' ? '' : ` ${placeholder(option)}`;
  const more = option.multiple ? '…' : '';
  const left = `  ${option.short ? `-${option.short}, ` : ''}--${name}${value}${more}`;
  const column = 26;
  const text = wrap(option.help, WIDTH - column).split('\n');
  const first = left.length < column - 1 ? [left.padEnd(column) + text.shift()] : [left];
  return [...first, ...text.map((line) => ' '.repeat(column) + line)].join('\n');
}
