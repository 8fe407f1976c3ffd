/**
 * @file What a training run shows: the data before it starts, a status line while it runs, a row for each epoch, and
 * what came of it.
 */
import type { Metrics, RunEvent, RunResult } from '../training/index.js';
import { count, duration, plural, rate } from '../units.js';
import { onInterrupt } from './interrupt.js';
import { programName, quote, resumeCommand } from './quote.js';
import { bold, dim, note, print, showStatus } from './terminal.js';
import { EpochTable, figure } from './training-table.js';

/** How a run is started: with a listener and a signal to stop. */
type Start = (hooks: { onEvent(event: RunEvent): void; signal: AbortSignal }) => Promise<RunResult>;

/** What is shown, and how. */
interface Shown {
  /** As typed: `train siamese`. */
  command: string;
  argv: readonly string[];
  values: { quiet: boolean; json: boolean; out: string | undefined };
  /** A command that uses the model, after the program's name. */
  next(folder: string): string;
}

/** Runs a training from the command line: Ctrl-C writes a checkpoint and says how to go on. Returns the exit code. */
export async function showTraining(shown: Shown, start: Start): Promise<number> {
  const { command, argv, values } = shown;
  using interrupt = onInterrupt(() => {
    if (!values.quiet) note('stopping after the step in hand; press Ctrl-C again to quit at once');
  });
  const lost = { unreadable: 0, failed: 0 };
  const tell = values.quiet ? () => undefined : teller();
  const onEvent = (event: RunEvent): void => {
    if (event.type === 'data') lost.unreadable = event.report.unreadable.length;
    if (event.type === 'failure') lost.failed++;
    tell(event);
  };
  let result: RunResult;
  try {
    result = await start({ onEvent, signal: interrupt.stop });
  } finally {
    showStatus('');
  }
  const { history: _, ...rest } = result;
  if (values.json) await print(JSON.stringify({ ...rest, ...lost }));
  if (result.ended === 'interrupted') {
    const where = result.steps > 0 ? `after step ${count(result.steps)}` : 'before the first step';
    note(`interrupted ${where}; go on with:\n  ${resumeCommand(command, argv)}`);
    return interrupt.exitCode ?? 1;
  }
  if (!values.json) await print(summary(result, shown));
  if (lost.unreadable > 0)
    note(
      `${plural(lost.unreadable, 'image')} could not be read and ${lost.unreadable === 1 ? 'was' : 'were'} left out; see training/data.json`,
    );
  if (lost.failed > 0)
    note(`${plural(lost.failed, 'image')} could no longer be read during the run; others stood in for them`);
  return 0;
}

/** Tells events on stderr. */
function teller(): (event: RunEvent) => void {
  let table: EpochTable | undefined;
  return (event) => {
    switch (event.type) {
      case 'checking':
        showStatus(`checking images: ${count(event.done)} of ${count(event.total)}`);
        return;
      case 'features':
        showStatus(`features of the frozen backbone: ${count(event.done)} of ${count(event.total)}`);
        return;
      case 'data':
        showStatus('');
        note(event.text);
        return;
      case 'failure':
        note(`failed: ${event.failure.id}: ${event.failure.reason} (${event.failure.stage})`);
        return;
      case 'resumed': {
        const { epoch, epochs, step } = event;
        const where = epoch > epochs ? 'all epochs are done' : `in epoch ${epoch} of ${epochs}`;
        note(`going on after step ${count(step)}: ${where}`);
        return;
      }
      case 'step': {
        const { epoch, epochs, step, steps, loss, lr, itemsPerSecond, secondsLeft } = event;
        showStatus(
          `epoch ${epoch}/${epochs} · step ${count(step)}/${count(steps)} · loss ${loss.toPrecision(4)} · ` +
            `${duration(secondsLeft)} left · ${rate(itemsPerSecond)} · lr ${lr.toExponential(1)}`,
        );
        return;
      }
      case 'baseline':
      case 'epoch':
        table ??= new EpochTable(Object.keys(event.metrics));
        for (const line of table.rows(event)) note(line);
        return;
      default:
        event satisfies never;
    }
  };
}

function summary(result: RunResult, { values, next }: Shown): string {
  const { ended, epochs, bestEpoch, metrics, baseline, seconds } = result;
  const out = values.out!;
  const held = Object.keys(metrics).length > 0;
  const why = ended === 'early' ? ', stopped early since nothing got better' : '';
  const kept = held ? `epoch ${bestEpoch} was the best and is kept` : 'the last is kept';
  return [
    `${bold(out)}: ${plural(epochs, 'epoch')} in ${duration(seconds)}${why}; ${kept}`,
    ...(held ? measured(metrics, baseline) : []),
    dim(`curves: ${out}/training/curves.png   log: ${out}/training/log.jsonl   card: ${out}/README.md`),
    dim(`next: ${programName()} ${next(quote(out))}`),
  ].join('\n');
}

/** A line for each metric of the images held out. */
function measured(metrics: Metrics, before: Metrics = {}): string[] {
  const width = Math.max(...Object.keys(metrics).map((name) => name.length));
  return Object.entries(metrics).map(([name, value]) => {
    const was = before[name];
    return `  ${name.padEnd(width)}  ${figure(value)}${was === undefined ? '' : `  before: ${figure(was)}`}`;
  });
}
