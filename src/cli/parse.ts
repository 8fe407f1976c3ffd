/**
 * @file From words to checked values: `node:util`'s parser, with errors that name the nearest option or choice.
 */
import { parseArgs } from 'node:util';
import { nearestName, UsageError } from '../errors.js';
import type { CommandSpec, OptionSpec, OptionSpecs } from './command.js';

/** What the words of a command say. */
export interface Parsed {
  help: boolean;
  values: Record<string, unknown>;
  positionals: string[];
}

/** The part of a declaration that parsing needs. */
type Grammar = Pick<CommandSpec<never>, 'name' | 'arity' | 'usage'> & { options: OptionSpecs };

const HELP: OptionSpec = { type: 'boolean', short: 'h', help: 'show this help' };

/** Parses the words after a command's name. @throws UsageError for options, values or arguments that do not fit. */
export function parseCommand(spec: Grammar, argv: readonly string[]): Parsed {
  const specs: OptionSpecs = { ...spec.options, help: HELP };
  const { values, positionals } = tokenize(spec.name, specs, argv);
  if (values.help) return { help: true, values: {}, positionals };
  const checked: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(spec.options)) {
    const given = values[name];
    if (option.type === 'boolean') checked[name] = given === true;
    else if (option.multiple)
      checked[name] = ((given ?? []) as string[]).map((text) => checkValue(name, option, text));
    else checked[name] = given === undefined ? undefined : checkValue(name, option, given as string);
  }
  const [least, most] = spec.arity ?? [0, Number.POSITIVE_INFINITY];
  if (positionals.length < least || positionals.length > most) {
    const wrong =
      positionals.length < least ? 'something is missing' : `"${positionals[most]}" is one argument too many`;
    throw new UsageError(`${spec.name}: ${wrong}`, { hint: usageHint(spec) });
  }
  return { help: false, values: checked, positionals };
}

/** Stands before a word to hide its dash; no word of a command line can hold it. */
const HIDDEN = '\0';

function tokenize(command: string, specs: OptionSpecs, argv: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, { type, short, multiple }]) => [
      name,
      {
        type: type === 'boolean' ? ('boolean' as const) : ('string' as const),
        ...(short ? { short } : {}),
        ...(multiple ? { multiple } : {}),
      },
    ]),
  );
  // No option begins with a dash and white space: it is the minus of a query, "- snow".
  const args = argv.map((word) => (/^-\s/.test(word) ? HIDDEN + word : word));
  const shown = (word: string): string => (word.startsWith(HIDDEN) ? word.slice(HIDDEN.length) : word);
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true, strict: true });
    const written = Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string'
        ? shown(value)
        : Array.isArray(value)
          ? value.map((v) => shown(String(v)))
          : value,
    ]);
    return {
      values: Object.fromEntries(written) as typeof values,
      positionals: positionals.map(shown),
    };
  } catch (cause) {
    const { tokens } = parseArgs({ args, options, allowPositionals: true, strict: false, tokens: true });
    for (const token of tokens) {
      if (token.kind !== 'option') continue;
      const known = specs[token.name];
      if (!known) throw unknownOption(command, token.rawName, Object.keys(specs));
      if (known.type === 'boolean' && token.value !== undefined)
        throw new UsageError(`--${token.name} takes no value but received "${token.value}"`);
      if (known.type !== 'boolean' && (token.value === undefined || token.value.startsWith('-')))
        throw new UsageError(`--${token.name}: expected ${placeholder(known)} but received nothing`, {
          hint: `write --${token.name}=VALUE for a value that begins with a dash`,
        });
    }
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function unknownOption(command: string, written: string, names: readonly string[]): UsageError {
  const nearest = nearestName(written.replace(/^-+/, ''), names);
  const hint = nearest
    ? `did you mean --${nearest}?`
    : `"afterimage ${command} --help" lists the options; after "--" words are taken as files`;
  return new UsageError(`${command}: unknown option ${written}`, { hint });
}

function checkValue(name: string, option: OptionSpec, text: string): string | number {
  if (option.choices && !option.choices.includes(text)) {
    const nearest = nearestName(text, option.choices);
    throw new UsageError(`--${name}: expected one of ${option.choices.join(', ')} but received "${text}"`, {
      hint: nearest && `did you mean ${nearest}?`,
    });
  }
  if (option.type === 'number') return checkNumber(name, option, text);
  if (option.type !== 'integer') return text;
  const value = Number(text);
  const least = option.min ?? 1;
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
    throw new UsageError(`--${name}: expected a whole number of at least ${least} but received "${text}"`);
  return value;
}

function checkNumber(name: string, { min = 0 }: OptionSpec, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < min)
    throw new UsageError(`--${name}: expected a number of at least ${min} but received "${text}"`);
  return value;
}

/** How the value of an option is written in help and errors. */
export function placeholder(option: OptionSpec): string {
  return option.value ?? option.choices?.join('|') ?? (option.type === 'string' ? 'TEXT' : 'N');
}

/** Where to read on. */
export function usageHint(spec: { name: string; usage: string }): string {
  return `usage: afterimage ${spec.name} ${spec.usage}\n"afterimage ${spec.name} --help" says more`;
}
