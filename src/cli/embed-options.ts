/** @file The options of `embed` that say what goes in and where it comes out. */
import type { OptionSpecs } from './command.js';

/** The globs that choose among the files of folders and archives. */
export const GLOB_OPTIONS = {
  include: {
    type: 'string',
    value: 'GLOB',
    multiple: true,
    group: 'input',
    help: 'only these files of folders and archives',
  },
  exclude: {
    type: 'string',
    value: 'GLOB',
    multiple: true,
    group: 'input',
    help: 'not these files and folders',
  },
} as const satisfies OptionSpecs;

export const INPUT_OPTIONS = {
  texts: {
    type: 'string',
    value: 'FILE',
    group: 'input',
    help: 'embed texts too, one a line (CLIP and SigLIP models)',
  },
  ...GLOB_OPTIONS,
} as const satisfies OptionSpecs;

const FORMATS = ['npy', 'parquet', 'jsonl', 'csv', 'clip-retrieval'] as const;

export const OUTPUT_OPTIONS = {
  out: { type: 'string', short: 'o', value: 'FILE', group: 'output', help: 'write the vectors here' },
  format: {
    type: 'string',
    choices: FORMATS,
    value: 'NAME',
    group: 'output',
    help: `${FORMATS.join(', ')}; by default as the name of the file says`,
  },
  resume: {
    type: 'boolean',
    group: 'output',
    help: 'go on where an earlier run ended; failed items are tried again',
  },
  overwrite: { type: 'boolean', group: 'output', help: 'replace the file if it exists' },
  errors: {
    type: 'string',
    value: 'FILE',
    group: 'output',
    help: 'keep a JSON line {id, stage, reason} for every failure',
  },
  strict: { type: 'boolean', group: 'output', help: 'exit with 1 if any item failed' },
  json: { type: 'boolean', group: 'output', help: 'print the summary as JSON' },
  quiet: { type: 'boolean', short: 'q', group: 'output', help: 'no progress, no line for each failure' },
} as const satisfies OptionSpecs;
