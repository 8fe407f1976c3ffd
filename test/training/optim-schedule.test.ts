/**
 * @file Schedules against PyTorch's `lr_scheduler`s (`test/fixtures/training/optim/make_optim.py`).
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type ScheduleOptions, schedule } from '#src/training/optim/schedule.js';

const { totalSteps, schedules } = JSON.parse(
  readFileSync(new URL('../fixtures/training/optim/schedules.json', import.meta.url), 'utf8'),
) as { totalSteps: number; schedules: { options: ScheduleOptions; rates: number[] }[] };

it.each(schedules.map((s) => [JSON.stringify(s.options), s] as const))('%s', (_, { options, rates }) => {
  const factor = schedule(options, totalSteps);
  const worst = Math.max(...rates.map((rate, step) => Math.abs(factor(step) - rate)));
  expect(worst).toBeLessThan(1e-14);
});

it('refuses what cannot be', () => {
  expect(() => schedule({ name: 'constant', warmupSteps: 10 }, 10)).toThrow(
    /warmupSteps: expected fewer than the run's 10 steps but received 10/,
  );
  expect(() => schedule({ name: 'step', stepSize: 0 }, 10)).toThrow(
    /stepSize: expected a whole number of at least 1/,
  );
  expect(() => schedule({ name: 'cosine', minFactor: 2 }, 10)).toThrow(
    /minFactor: expected a number from 0 to 1/,
  );
  expect(() => schedule({ name: 'linear' } as unknown as ScheduleOptions, 10)).toThrow(
    /schedule: expected constant, cosine, .* but received linear/,
  );
});
