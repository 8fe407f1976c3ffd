/** @file `afterimage embed`: images and texts in, vectors out. */
import { stat } from 'node:fs/promises';
import type { Embedder, EmbedSources, EmbedSummary } from '../../embedding/index.js';
import { UsageError } from '../../errors.js';
import { count, duration, plural, rate } from '../../units.js';
import { defineCommand } from '../command.js';
import { INPUT_OPTIONS, OUTPUT_OPTIONS } from '../embed-options.js';
import { onInterrupt } from '../interrupt.js';
import { embedderOptions, MODEL_OPTIONS, noteDefaultModel } from '../model-options.js';
import { ProgressLine } from '../progress.js';
import { resumeCommand } from '../quote.js';
import { dim, note, print } from '../terminal.js';

export const embed = defineCommand({
  name: 'embed',
  usage: 'INPUT… [--texts FILE] [--model NAME|FOLDER] [--out FILE] [options]',
  summary: 'Turns images (and texts) into vectors.',
  details:
    'An INPUT is a file, a folder, a glob, a zip or tar archive, an http(s) URL, a list of them ' +
    '(@list.txt, or - for standard input). Without --out, rows go to standard output, one JSON object ' +
    'a line. An image that fails is told on standard error and the run goes on. Exit codes: 0 done, 1 ' +
    'something failed under --strict or nothing could be embedded, 2 wrong usage, 130 interrupted.',
  options: { ...INPUT_OPTIONS, ...MODEL_OPTIONS, ...OUTPUT_OPTIONS },
  examples: [
    ['afterimage embed photo.jpg', 'one row of JSON on standard output'],
    [
      'afterimage embed photos/ --out vectors.parquet',
      'a folder, with the bundled mini-clip; --resume continues after a break',
    ],
    [
      'afterimage embed photos/ --model clip-vit-b32 --texts captions.txt -o clip.npy',
      'images and texts in one space',
    ],
    [
      "find . -name '*.heic' | afterimage embed - -o heic.jsonl --errors failed.jsonl",
      'a list of files, and a record of those that fail',
    ],
  ],
  async run(values, inputs, argv) {
    if (inputs.length === 0 && values.texts === undefined)
      throw new UsageError('embed: nothing to embed', {
        hint: 'name images, folders or archives; - reads a list of them from standard input',
      });
    if (values.texts === '-' && inputs.includes('-'))
      throw new UsageError('standard input can hold the list of images or the texts, not both');
    if (values.out === undefined) needsOut(values);
    using interrupt = onInterrupt(() => {
      if (!values.quiet) note('stopping after the batch in hand; press Ctrl-C again to quit at once');
    });
    const { embedTo, embedToFile, jsonlLine, loadEmbedder } = await import('../../embedding/index.js');
    if (values.model === undefined && !values.quiet && !values.json) noteDefaultModel();
    const line = process.stderr.isTTY && !values.quiet ? new ProgressLine() : undefined;
    const sources: EmbedSources = { inputs, ...(values.texts === undefined ? {} : { texts: values.texts }) };
    const options = {
      expand: {
        include: values.include,
        exclude: values.exclude,
        onSkip: (where: string, reason: string) => note(`skipped: ${where}: ${reason}`),
      },
      errors: values.errors,
      stop: interrupt.stop,
      onProgress: line && ((progress) => line.update(progress)),
      onFailure: (failure) => {
        if (!values.quiet) note(`failed: ${failure.id}: ${failure.reason} (${failure.stage})`);
      },
    } satisfies Parameters<typeof embedTo>[3];
    const model = {
      ...embedderOptions(values),
      ...((await isSmall(sources)) && { inline: true, workers: 0 }),
      signal: interrupt.stop, // for the download, which may take long
    };
    let summary: EmbedSummary;
    try {
      if (values.out !== undefined) {
        const { format, resume, overwrite } = values;
        summary = await embedToFile(sources, values.out, {
          ...options,
          model: values.model,
          embedder: model,
          format,
          resume,
          overwrite,
        });
      } else {
        await using embedder: Embedder = await loadEmbedder(values.model, model);
        const append = async (rows: Parameters<typeof jsonlLine>[0][]) => print(rows.map(jsonlLine).join(''));
        summary = await embedTo(embedder, sources, { append }, options);
      }
    } catch (error) {
      if (!(error instanceof Error && error.name === 'AbortError')) throw error;
      note('interrupted before anything was embedded');
      return interrupt.exitCode ?? 1;
    } finally {
      line?.end();
    }
    await report(summary, values, argv);
    if (interrupt.exitCode !== undefined && summary.interrupted) return interrupt.exitCode;
    const { embedded, failed, skipped } = summary;
    return (values.strict && failed > 0) || embedded + skipped === 0 ? 1 : 0;
  },
});

/** What only makes sense with a file. */
function needsOut(values: { resume: boolean; overwrite: boolean; format: string | undefined }): void {
  const given = values.resume ? '--resume' : values.overwrite ? '--overwrite' : undefined;
  if (given) throw new UsageError(`${given} needs --out FILE`);
  if (values.format !== undefined && values.format !== 'jsonl')
    throw new UsageError(`--format ${values.format} needs --out FILE`, {
      hint: 'standard output takes jsonl only',
    });
}

/** One file of moderate size: threads would take longer to start than they save. */
async function isSmall({ inputs = [], texts }: EmbedSources): Promise<boolean> {
  const [first, ...rest] = inputs;
  if (first === undefined || rest.length > 0 || texts !== undefined) return false;
  const info = await stat(first).catch(() => undefined);
  return info?.isFile() === true && info.size < 64e6 && !/\.(zip|tar|tgz|gz)$/i.test(String(first));
}

async function report(
  summary: EmbedSummary,
  values: { out: string | undefined; json: boolean; quiet: boolean; errors: string | undefined },
  argv: readonly string[],
): Promise<void> {
  const { embedded, failed, skipped, interrupted, seconds, identity } = summary;
  const { out } = values;
  if (embedded + failed + skipped === 0 && !interrupted) note('nothing was found to embed');
  if (out !== undefined && values.json) await print(JSON.stringify({ out, ...summary }));
  else if (out !== undefined) {
    const { model, output, dtype, dimension } = identity;
    const what = `of dimension ${count(dimension)} (${model}, ${output}, ${dtype})`;
    if (skipped > 0 && embedded === 0)
      await print(`${out}: nothing new; ${plural(skipped, 'vector')} ${what} were there`);
    else await print(`${out}: ${plural(embedded, 'vector')} ${what}`);
    if (skipped > 0 && embedded > 0) await print(`${count(skipped)} were there already`);
    if (embedded > 0) await print(dim(`${duration(seconds)}, ${rate(embedded / seconds)}`));
  }
  if (failed > 0) {
    const where = values.errors ? `see ${values.errors}` : '--errors FILE keeps a record of them';
    note(`${count(failed)} of ${plural(embedded + failed, 'item')} failed; ${where}`);
  }
  if (!interrupted) return;
  if (out === undefined)
    note('interrupted; the rows so far were printed. With --out FILE a run can be resumed');
  else note(`interrupted; what was embedded is kept. Go on with:\n  ${resumeCommand('embed', argv)}`);
}
