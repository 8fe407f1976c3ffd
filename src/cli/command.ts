/**
 * @file What a command is: its options in one typed table, from which parsing, checking and help are derived.
 */
import { commandHelp } from './help.js';
import { parseCommand } from './parse.js';
import { print } from './terminal.js';

/** One option of a command. */
export interface OptionSpec {
  type: 'boolean' | 'string' | 'integer' | 'number';
  /** What it does, in one phrase; `@default` belongs here too. */
  help: string;
  /** The placeholder in help. @default the choices, else N or TEXT */
  value?: string;
  /** One letter. */
  short?: string;
  /** May be given several times. */
  multiple?: boolean;
  /** The only values allowed. */
  choices?: readonly string[];
  /** The least number allowed. @default 1 */
  min?: number;
  /** The heading it stands under in help. @default 'options' */
  group?: string;
}

/** Options by their long name, without the dashes. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type One<S extends OptionSpec> = S extends { choices: readonly (infer C)[] }
  ? C
  : S['type'] extends 'integer' | 'number'
    ? number
    : string;

/** What parsing yields for a table of options. */
export type OptionValues<O extends OptionSpecs> = {
  readonly [K in keyof O]: O[K]['type'] extends 'boolean'
    ? boolean
    : O[K] extends { multiple: true }
      ? One<O[K]>[]
      : One<O[K]> | undefined;
};

/** How a command is declared. */
export interface CommandSpec<O extends OptionSpecs = OptionSpecs> {
  /** As typed: `embed`, `models list`. */
  name: string;
  /** What follows the name in the usage line. */
  usage: string;
  /** One sentence. */
  summary: string;
  /** More, where one sentence does not do. */
  details?: string;
  options: O;
  /** The least and the most number of arguments. @default [0, Infinity] */
  arity?: readonly [number, number];
  /** Command lines with what they do. */
  examples: readonly (readonly [line: string, does: string])[];
  /** Does the work. Returns the exit code. */
  run(values: OptionValues<O>, positionals: string[], argv: readonly string[]): Promise<number>;
}

/** A command that can be run with the words after its name. */
export interface Command {
  help(): string;
  /** @throws UsageError for words that do not fit. */
  run(argv: readonly string[]): Promise<number>;
}

/** Makes a command from its declaration; `--help` comes with it. */
export function defineCommand<const O extends OptionSpecs>(spec: CommandSpec<O>): Command {
  const help = () => commandHelp(spec);
  return {
    help,
    async run(argv) {
      const parsed = parseCommand(spec, argv);
      if (parsed.help) {
        await print(help());
        return 0;
      }
      return spec.run(parsed.values as OptionValues<O>, parsed.positionals, argv);
    },
  };
}

/** Commands under a common first word, loaded when they are needed. */
export type CommandTable = Readonly<Record<string, { summary: string; load(): Promise<Command> }>>;
