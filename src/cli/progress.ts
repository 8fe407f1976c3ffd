/** @file The progress line: done of total, rate, time left; on a terminal only. */
import type { Progress } from '../embedding/index.js';
import { count, duration, rate } from '../units.js';
import { showStatus } from './terminal.js';

/** The rate is that of about the last so many seconds, so that the time left follows what is happening now. */
const WINDOW = 20;

/** Draws the progress of a run on stderr; see {@link progressText} for what it says. */
export class ProgressLine {
  private readonly marks: { at: number; done: number }[] = [];

  /**
   * @param label what stands before the numbers
   * @param now seconds, monotonic
   */
  constructor(
    private readonly label = '',
    private readonly now: () => number = () => performance.now() / 1000,
  ) {
    this.marks.push({ at: this.now(), done: 0 });
  }

  update(progress: Progress): void {
    showStatus(this.text(progress));
  }

  /** Takes the line away. */
  end(): void {
    showStatus('');
  }

  /** `1,200 of 10,000 (12 %) · 35/s · 4 min 10 s left · 3 failed`. */
  text({ done, failed, total }: Progress): string {
    const at = this.now();
    this.marks.push({ at, done });
    while (this.marks.length > 2 && this.marks[1]!.at < at - WINDOW) this.marks.shift();
    const first = this.marks[0]!;
    const perSecond = at > first.at ? (done - first.done) / (at - first.at) : 0;
    const parts = [
      total === undefined
        ? `${count(done)} done`
        : `${count(done)} of ${count(total)} (${total === 0 ? 100 : Math.floor((100 * done) / total)} %)`,
    ];
    if (perSecond > 0) {
      parts.push(rate(perSecond));
      if (total !== undefined && total > done) parts.push(`${duration((total - done) / perSecond)} left`);
    }
    if (failed > 0) parts.push(`${count(failed)} failed`);
    return this.label + parts.join(' · ');
  }
}
