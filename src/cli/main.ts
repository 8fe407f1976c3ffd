/**
 * @file From words to a command, and from errors to exit codes: 0 done, 1 failed, 2 wrong usage, 128 + n ended by
 * signal n. Commands are loaded one at a time, so that help and mistakes cost nothing.
 */
import { AfterimageError, type ErrorCode, nearestName, UsageError } from '../errors.js';
import { packageVersion } from '../version.js';
import type { Command, CommandTable } from './command.js';
import { tableHelp } from './help.js';
import { Interrupted } from './interrupt.js';
import { alarm, bold, endQuietlyWithReader, note, print, showStatus } from './terminal.js';

const MODELS: CommandTable = {
  list: {
    summary: 'the models that Afterimage knows by name, and which are on this machine',
    load: async () => (await import('./commands/models/list.js')).list,
  },
  info: {
    summary: 'everything about one model: outputs, preprocessing, licence, files',
    load: async () => (await import('./commands/models/info.js')).info,
  },
  pull: {
    summary: 'download models, so that they work offline',
    load: async () => (await import('./commands/models/pull.js')).pull,
  },
  export: {
    summary: 'write a model as one .onnx file',
    load: async () => (await import('./commands/models/export.js')).exportModel,
  },
  verify: {
    summary: 'check downloaded files against their checksums',
    load: async () => (await import('./commands/models/verify.js')).verify,
  },
  remove: {
    summary: 'delete downloaded models',
    load: async () => (await import('./commands/models/remove.js')).remove,
  },
};

const TRAIN: CommandTable = {
  siamese: {
    summary: 'learn which images are alike, from classes, pairs, triplets or the images alone',
    load: async () => (await import('./commands/train/siamese.js')).siamese,
  },
  autoencoder: {
    summary: 'learn to compress images; needs no labels',
    load: async () => (await import('./commands/train/autoencoder.js')).autoencoder,
  },
  projection: {
    summary: 'learn a linear map of embeddings to fewer dimensions',
    load: async () => (await import('./commands/train/projection.js')).projection,
  },
};

const CLASSIFY: CommandTable = {
  fit: {
    summary: 'learn classes from labelled images, and measure how well',
    load: async () => (await import('./commands/classify/fit.js')).fit,
  },
  predict: {
    summary: 'say which class each image is of, and which it is unlike',
    load: async () => (await import('./commands/classify/predict.js')).predict,
  },
  evaluate: {
    summary: 'measure a classifier on images whose classes are known',
    load: async () => (await import('./commands/classify/evaluate.js')).evaluate,
  },
};

const REGRESS: CommandTable = {
  fit: {
    summary: 'learn to predict a number, and measure how well and what the images add',
    load: async () => (await import('./commands/regress/fit.js')).fit,
  },
  predict: {
    summary: 'say the number of each item, with an interval',
    load: async () => (await import('./commands/regress/predict.js')).predict,
  },
  evaluate: {
    summary: 'measure a regression on items whose numbers are known',
    load: async () => (await import('./commands/regress/evaluate.js')).evaluate,
  },
};

const COMMANDS: CommandTable = {
  embed: {
    summary: 'turn images (and texts) into vectors',
    load: async () => (await import('./commands/embed.js')).embed,
  },
  label: {
    summary: 'say which of your labels fits each image best',
    load: async () => (await import('./commands/label.js')).label,
  },
  caption: {
    summary: 'find the captions of a list that fit an image best',
    load: async () => (await import('./commands/caption.js')).caption,
  },
  evaluate: {
    summary: 'say how good vectors are by classes or captions, with intervals',
    load: async () => (await import('./commands/evaluate.js')).evaluate,
  },
  compare: {
    summary: 'find out which model is best on your own images',
    load: async () => (await import('./commands/compare.js')).compare,
  },
  info: {
    summary: 'say what a collection holds',
    load: async () => (await import('./commands/info.js')).info,
  },
  search: {
    summary: 'find images of a collection by texts, images, or both',
    load: async () => (await import('./commands/search.js')).search,
  },
  similar: {
    summary: 'find the images of a collection that are like one',
    load: async () => (await import('./commands/similar.js')).similar,
  },
  import: {
    summary: 'put vectors that were computed elsewhere into a collection',
    load: async () => (await import('./commands/import.js')).importItems,
  },
  export: {
    summary: 'write a collection as Parquet, npy, JSONL or CSV for other programs',
    load: async () => (await import('./commands/export.js')).exportItems,
  },
  index: {
    summary: 'make a folder of images searchable, and keep it so',
    load: async () => (await import('./commands/index.js')).index,
  },
  map: {
    summary: 'draw a collection as a map, a page to zoom into and search',
    load: async () => (await import('./commands/map.js')).map,
  },
  duplicates: {
    summary: 'find pictures that are there more than once, and say which to keep',
    load: async () => (await import('./commands/duplicates.js')).duplicates,
  },
  cluster: {
    summary: 'find groups that belong together, name them and show what stands for each',
    load: async () => (await import('./commands/cluster.js')).cluster,
  },
  train: {
    summary: 'train a model on your own images',
    load: async () =>
      group('train', 'Training: from your images to a model folder that embeds like any other.', TRAIN),
  },
  classify: {
    summary: 'learn classes from your labelled images, and apply them to others',
    load: async () =>
      group('classify', 'Classifiers of vectors: fitted in seconds, measured, kept as a file.', CLASSIFY),
  },
  regress: {
    summary: 'learn to predict a number from your images and other columns, and apply it to others',
    load: async () =>
      group(
        'regress',
        'Numbers predicted from vectors: measured beside what images are not needed for.',
        REGRESS,
      ),
  },
  models: {
    summary: 'list, inspect, download, check and remove models',
    load: async () =>
      group(
        'models',
        'Models: the short names, what they stand for, and their files on this machine.',
        MODELS,
      ),
  },
  reconstruct: {
    summary: 'send images through an autoencoder and back; show the originals beside what came back',
    load: async () => (await import('./commands/reconstruct.js')).reconstruct,
  },
  outliers: {
    summary: 'find the items that are unlike the others',
    load: async () => (await import('./commands/outliers.js')).outliers,
  },
  uniqueness: {
    summary: 'say how much each item adds to the collection',
    load: async () => (await import('./commands/uniqueness.js')).uniqueness,
  },
  representative: {
    summary: 'choose a few items that stand for all',
    load: async () => (await import('./commands/representative.js')).representative,
  },
  mistakes: {
    summary: 'find labels that are probably wrong',
    load: async () => (await import('./commands/mistakes.js')).mistakes,
  },
  reduce: {
    summary: 'make vectors smaller, and say what that costs',
    load: async () => (await import('./commands/reduce.js')).reduce,
  },
  project: {
    summary: 'apply a learned projection to vectors',
    load: async () => (await import('./commands/project.js')).project,
  },
  precision: {
    summary: 'measure on your images what fp16 and int8 cost and gain',
    load: async () => (await import('./commands/precision.js')).precision,
  },
  doctor: {
    summary: 'say what is installed, and check the numbers against golden ones',
    load: async () => (await import('./commands/doctor.js')).doctor,
  },
  demo: {
    summary: 'embed the sample images and show what is similar; needs no network',
    load: async () => (await import('./commands/demo.js')).demo,
  },
};

/** Exit code 2: the command line does not fit what is there, and running it again will not help. */
const USAGE_CODES: readonly ErrorCode[] = ['USAGE', 'IDENTITY', 'MODEL'];

/** Runs the program. Never throws; prints errors to stderr and returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  endQuietlyWithReader();
  try {
    return await run(argv);
  } catch (error) {
    showStatus('');
    const stopped = interruption(error);
    return stopped ? stopped.exitCode : report(error);
  }
}

async function run(argv: readonly string[]): Promise<number> {
  const [first, ...rest] = argv;
  if (first === '--version' || first === '-V') {
    await print(await packageVersion());
    return 0;
  }
  if (first === undefined || first === '--help' || first === '-h') {
    await print(programHelp());
    return first === undefined ? 2 : 0;
  }
  if (first === 'help') {
    if (rest.length === 0) await print(programHelp());
    else await (await find(COMMANDS, rest[0]!, '')).run([...rest.slice(1), '--help']);
    return 0;
  }
  return (await find(COMMANDS, first, '')).run(rest);
}

/** The commands that begin with the same word, as one command. */
function group(name: string, title: string, commands: CommandTable): Command {
  const help = () =>
    tableHelp(
      title,
      `afterimage ${name} COMMAND [options]`,
      commands,
      `"afterimage help ${name} COMMAND" says more about one of them.`,
    );
  return {
    help,
    async run([first, ...rest]) {
      if (first === undefined) {
        await print(help());
        return 2;
      }
      if (first === '--help' || first === '-h') {
        await print(help());
        return 0;
      }
      return (await find(commands, first, `${name} `)).run(rest);
    },
  };
}

async function find(commands: CommandTable, name: string, prefix: string): Promise<Command> {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry) return entry.load();
  const known = Object.keys(commands);
  const kind = name.startsWith('-') ? 'option' : 'command';
  const nearest = nearestName(name, known);
  throw new UsageError(`unknown ${kind} "${prefix}${name}"`, {
    hint: nearest ? `did you mean "afterimage ${prefix}${nearest}"?` : `the commands are ${known.join(', ')}`,
  });
}

function programHelp(): string {
  return tableHelp(
    'Afterimage: image embeddings with the same numbers as Python’s, in Node, offline.',
    'afterimage COMMAND [options]',
    COMMANDS,
    `${bold('options:')}
  -h, --help     this help; "afterimage help COMMAND" says more about a command
  -V, --version  the version

${bold('examples:')}
  afterimage demo
  afterimage embed photo.jpg
  afterimage embed photos/ --model clip-vit-b32 --out vectors.parquet
  afterimage train siamese products/ --out my-model`,
  );
}

/** The signal that an error comes from, if it does: itself, or as the cause of Node's own AbortError. */
function interruption(error: unknown): Interrupted | undefined {
  if (error instanceof Interrupted) return error;
  return error instanceof Error ? interruption(error.cause) : undefined;
}

function report(error: unknown): number {
  if (error instanceof AfterimageError) {
    note(`${alarm('afterimage:')} ${error.message}`);
    if (error.hint) note(error.hint.replace(/^/gm, '  '));
    return USAGE_CODES.includes(error.code) ? 2 : 1;
  }
  const system = error instanceof Error && 'code' in error && 'syscall' in error;
  const text = error instanceof Error ? (system ? error.message : error.stack) : String(error);
  note(`${alarm('afterimage:')} ${system ? '' : 'unexpected error, please report it\n'}${text}`);
  return 1;
}
