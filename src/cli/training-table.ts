/** @file The table that grows by a row for each epoch. */
import type { RunEvent } from '../training/index.js';
import { duration } from '../units.js';

/** What a row is made from. */
type Row = Extract<RunEvent, { type: 'baseline' | 'epoch' }>;

const LOSS = 9;
const FIGURE = 6;

/** Columns: epoch, loss, each metric of the images held out, time since the start, time left. */
export class EpochTable {
  private begun = false;

  constructor(private readonly metrics: readonly string[]) {}

  /** The lines to show for an epoch, or for what was there before the first: the heading comes with the first ones. */
  rows(event: Row): string[] {
    const heading = [
      'epoch'.padStart(9),
      'loss'.padStart(LOSS),
      ...this.metrics.map((name) => name.padStart(FIGURE)),
      'time',
    ].join('  ');
    const row = [
      (event.type === 'epoch' ? `${event.epoch}/${event.epochs}` : 'before').padStart(9),
      (event.type === 'epoch' ? event.loss.toPrecision(4) : '').padStart(LOSS),
      ...this.metrics.map((name) => figure(event.metrics[name]).padStart(Math.max(FIGURE, name.length))),
      ...(event.type === 'epoch' ? [clock(event)] : []),
    ].join('  ');
    const lines = this.begun ? [row] : [heading, row];
    this.begun = true;
    return lines;
  }
}

function clock({ seconds, epoch, epochs, best }: Extract<Row, { type: 'epoch' }>): string {
  const left = (seconds / epoch) * (epochs - epoch);
  const parts = [
    duration(seconds),
    ...(left > 0 ? [`${duration(left)} left`] : []),
    ...(best ? ['best'] : []),
  ];
  return parts.join(', ');
}

/** `0.812`; decibels and other large numbers with two decimals. */
export function figure(value: number | undefined): string {
  if (value === undefined) return '';
  return Math.abs(value) >= 10 ? value.toFixed(2) : value.toFixed(3);
}
