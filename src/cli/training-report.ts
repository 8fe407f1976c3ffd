/**
 * @file What a training run shows: the data before it starts, a status line while it runs, a line for each epoch, and
 * what came of it.
 */
import type { RunEvent, RunResult } from '../training/index.js';
import { onInterrupt } from './interrupt.js';
import { resumeCommand } from './quote.js';
import { bold, dim, note, print, showStatus } from './terminal.js';
import { count, duration, plural, rate } from './units.js';

/** How a run is started: with a listener and a signal to stop. */
type Start = (hooks: { onEvent(event: RunEvent): void; signal: AbortSignal }) => Promise<RunResult>;

/**
 * Runs a training from the command line: Ctrl-C writes a checkpoint and says how to go on. Returns the exit code.
 */
export async function showTraining(
  command: string,
  argv: readonly string[],
  values: { quiet: boolean; json: boolean; out: string | undefined },
  start: Start,
): Promise<number> {
  using interrupt = onInterrupt(() => {
    if (!values.quiet) note('stopping after the step in hand; press Ctrl-C again to quit at once');
  });
  const onEvent = values.quiet ? () => undefined : tell;
  let result: RunResult;
  try {
    result = await start({ onEvent, signal: interrupt.stop });
  } finally {
    showStatus('');
  }
  if (result.ended === 'interrupted') {
    note(`interrupted after step ${count(result.steps)}; go on with:\n  ${resumeCommand(command, argv)}`);
    return interrupt.exitCode ?? 1;
  }
  if (values.json) {
    const { history: _, ...rest } = result;
    await print(JSON.stringify(rest));
  } else await print(summary(result, values.out!));
  return 0;
}

function tell(event: RunEvent): void {
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
    case 'baseline':
      showStatus('');
      note(`before      ${figures(event.metrics)}`);
      return;
    case 'failure':
      note(`failed: ${event.failure.id}: ${event.failure.reason} (${event.failure.stage})`);
      return;
    case 'resumed':
      note(`going on from step ${count(event.step)}, in epoch ${event.epoch}`);
      return;
    case 'step': {
      const { epoch, epochs, step, steps, loss, lr, itemsPerSecond, secondsLeft } = event;
      showStatus(
        `epoch ${epoch}/${epochs} · step ${count(step)}/${count(steps)} · loss ${loss.toPrecision(4)} · ` +
          `lr ${lr.toExponential(1)} · ${rate(itemsPerSecond)} · ${duration(secondsLeft)} left`,
      );
      return;
    }
    case 'epoch': {
      const { epoch, epochs, loss, metrics, best, seconds } = event;
      note(
        `epoch ${`${epoch}`.padStart(`${epochs}`.length)}/${epochs}  loss ${loss.toPrecision(4)}  ` +
          `${figures(metrics)}  ${dim(duration(seconds))}${best ? '  best' : ''}`,
      );
    }
  }
}

/** `precision@1 0.812  map@r 0.401`. */
function figures(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${Math.abs(value) >= 10 ? value.toFixed(2) : value.toFixed(3)}`)
    .join('  ');
}

function summary({ folder: _, ended, epochs, bestEpoch, metrics, seconds }: RunResult, out: string): string {
  const why = ended === 'early' ? ' (stopped early: nothing got better)' : '';
  return [
    `${bold(out)}: ${plural(epochs, 'epoch')} in ${duration(seconds)}${why}; the best was epoch ${bestEpoch}`,
    ...(Object.keys(metrics).length > 0 ? [`on what was held out: ${figures(metrics)}`] : []),
    dim(`curves: ${out}/training/curves.png   log: ${out}/training/log.jsonl   card: ${out}/README.md`),
  ].join('\n');
}
