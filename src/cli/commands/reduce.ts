/** @file `afterimage reduce`: vectors of fewer numbers or fewer bits. */
import { UsageError } from '../../errors.js';
import { count } from '../../units.js';
import { defineCommand } from '../command.js';
import { onInterrupt } from '../interrupt.js';
import { openSource, SOURCE_HELP, SOURCE_OPTIONS } from '../source-options.js';
import { table } from '../table.js';
import { note, print, showStatus } from '../terminal.js';

const METHODS = ['pca', 'umap', 'tsne', 'truncate'] as const;

export const reduce = defineCommand({
  name: 'reduce',
  usage: '[SOURCE] [--dimensions N --method NAME] [--out FILE] [options]',
  summary: 'Makes vectors smaller, and says what that costs on yours.',
  details:
    `${SOURCE_HELP} Without --dimensions and --quantize it tries several sizes and prints which share of its ten nearest ` +
    'neighbours an item keeps with each. Principal components can be saved as a projection, which "afterimage project" ' +
    'applies to other vectors of the same model.',
  arity: [0, 1],
  options: {
    dimensions: { type: 'integer', short: 'd', group: 'method', help: 'numbers per vector' },
    method: {
      type: 'string',
      choices: METHODS,
      value: 'NAME',
      group: 'method',
      help: 'pca (by default), umap, tsne, or truncate, which keeps the first numbers',
    },
    whiten: { type: 'boolean', group: 'method', help: 'pca: scale each component to variance 1' },
    normalize: { type: 'boolean', group: 'method', help: 'scale the results to unit length' },
    neighbors: {
      type: 'integer',
      min: 2,
      group: 'method',
      help: 'neighbours that umap looks at (15 by default)',
    },
    seed: { type: 'integer', min: 0, group: 'method', help: 'of what is drawn at random (0 by default)' },
    quantize: {
      type: 'string',
      choices: ['int8', 'binary'],
      value: 'KIND',
      group: 'method',
      help: 'int8 (a quarter of the size) or binary (a bit a number), written as .npy; after --dimensions where both are given',
    },
    out: {
      type: 'string',
      short: 'o',
      value: 'FILE',
      group: 'output',
      help: 'write the vectors here (.parquet, .npy, .jsonl, .csv)',
    },
    projection: {
      type: 'string',
      value: 'DIR',
      group: 'output',
      help: 'pca: save it here, to be applied to others',
    },
    save: {
      type: 'string',
      value: 'NAME',
      group: 'output',
      help: 'keep the numbers as columns NAME_1, NAME_2, … of the collection (up to 8)',
    },
    overwrite: { type: 'boolean', group: 'output', help: 'replace what is there' },
    json: { type: 'boolean', group: 'output', help: 'print JSON' },
    ...SOURCE_OPTIONS,
  },
  examples: [
    ['afterimage reduce photos/', 'what each size would cost'],
    [
      'afterimage reduce vectors.parquet -d 64 -o small.parquet --projection pca64',
      'and the way to reduce others',
    ],
    ['afterimage reduce photos/ --quantize int8 -o small.npy', 'a quarter of the bytes'],
  ],
  async run(values, [source]) {
    const {
      dimensions,
      method = 'pca',
      whiten,
      normalize,
      seed,
      quantize,
      out,
      projection,
      save,
      overwrite,
      json,
    } = values;
    if (quantize !== undefined && out === undefined)
      throw new UsageError('--quantize writes a file: name it with --out FILE.npy');
    if (dimensions === undefined && (projection ?? save) !== undefined)
      throw new UsageError('expected --dimensions N, the numbers per vector');
    if (projection !== undefined && method !== 'pca')
      throw new UsageError(`--projection: a map by ${method} cannot be applied to other vectors`, {
        hint: '--method pca can',
      });
    if (save !== undefined && dimensions! > 8)
      throw new UsageError(`--save keeps up to 8 columns, and --dimensions says ${dimensions}`, {
        hint: 'write a file with --out',
      });
    using interrupt = onInterrupt(() => undefined);
    await using set = await openSource(source, values, { signal: interrupt.stop });
    const { measureSavings, reduceSet, savePca, writeQuantized, writeReduced } = await import(
      '../../analysis/index.js'
    );
    if (dimensions === undefined && quantize === undefined) {
      if (out !== undefined) throw new UsageError('--out: expected --dimensions or --quantize, too');
      const savings = await measureSavings(set, { seed, signal: interrupt.stop });
      await print(
        json
          ? JSON.stringify(savings, null, 2)
          : table(
              ['method', 'numbers >', 'bytes >', 'recall@10 >'],
              savings.map((s) => [s.method, count(s.dimension), count(s.bytes), s.recall.toFixed(3)]),
            ),
      );
      return 0;
    }
    if (dimensions === undefined) {
      await writeQuantized(out!, set, set, quantize!, { overwrite });
      if (!json) await print(`${out}: ${count(set.count)} vectors as ${quantize}`);
      return 0;
    }
    const reduced = await reduceSet(set, {
      method,
      dimensions,
      whiten,
      normalize,
      seed,
      neighbours: values.neighbors,
      signal: interrupt.stop,
      onProgress: (done, total) => {
        if (!values.quiet) showStatus(`${method}: ${count(done)} of ${count(total)}`);
      },
    }).finally(() => showStatus(''));
    if (projection !== undefined) await savePca(set, reduced, projection, { overwrite });
    if (out !== undefined) {
      if (quantize !== undefined) await writeQuantized(out, set, reduced, quantize, { overwrite });
      else await writeReduced(out, set, reduced, { overwrite });
    }
    if (save !== undefined)
      await set.save(
        Array.from({ length: dimensions }, (_, k) => ({
          name: `${save}_${k + 1}`,
          type: 'number' as const,
          cells: set.ids.map((_, row) => reduced.data[row * dimensions + k]!),
        })),
      );
    const { shares, recall, quality } = reduced;
    const variance = shares?.reduce((a, b) => a + b, 0);
    if (json) {
      await print(
        JSON.stringify(
          { method, dimensions, vectors: set.count, recall, shares, quality, out, projection },
          null,
          2,
        ),
      );
      return 0;
    }
    for (const place of [out, projection]) if (place !== undefined) note(`wrote ${place}`);
    const facts = [
      `${count(set.count)} vectors, ${set.dimension} → ${dimensions} numbers`,
      ...(variance === undefined ? [] : [`${(100 * variance).toFixed(1)} % of the variance`]),
      `${(100 * recall).toFixed(1)} % of the ten nearest neighbours kept`,
      ...(quality ? [`trustworthiness ${quality.trustworthiness.toFixed(3)}`] : []),
    ];
    await print(facts.join('; '));
    return 0;
  },
});
