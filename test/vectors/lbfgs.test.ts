import { describe, expect, it } from 'vitest';
import { lbfgs } from '#src/vectors/lbfgs.js';

/** Rosenbrock's valley in many dimensions: its minimum is 0, where all are 1. */
function valley(x: Float64Array, gradient: Float64Array): number {
  gradient.fill(0);
  let value = 0;
  for (let i = 0; i + 1 < x.length; i++) {
    const [a, b] = [x[i]!, x[i + 1]!];
    value += 100 * (b - a * a) ** 2 + (1 - a) ** 2;
    gradient[i]! += -400 * a * (b - a * a) - 2 * (1 - a);
    gradient[i + 1]! += 200 * (b - a * a);
  }
  return value;
}

describe('L-BFGS', () => {
  it("goes down Rosenbrock's valley, in about as many steps as others take", async () => {
    const start = Array.from({ length: 20 }, (_, i) => (i % 2 ? 1 : -1.2));
    const { x, evaluations, converged } = await lbfgs(valley, start, { gradientTolerance: 1e-8 });
    expect(converged).toBe(true);
    expect(Math.max(...x.map((v) => Math.abs(v - 1)))).toBeLessThan(1e-7);
    expect(evaluations).toBeLessThan(250);
  });

  it('solves a quadratic of condition 10,000 whose value is rounded to float32', async () => {
    const scale = (i: number) => 10 ** ((4 * i) / 29);
    const { x } = await lbfgs(
      async (x, gradient) => {
        let value = 5;
        x.forEach((v, i) => {
          value += (scale(i) * (v - i) ** 2) / 2;
          gradient[i] = scale(i) * (v - i);
        });
        return Math.fround(value);
      },
      new Float64Array(30),
      { gradientTolerance: 1e-7, noise: 1e-7 },
    );
    x.forEach((v, i) => {
      expect(v).toBeCloseTo(i, 4);
    });
  });

  it('ends at once at a minimum, after the given steps, and says when it did not arrive', async () => {
    const there = await lbfgs(valley, new Float64Array(4).fill(1));
    expect(there).toMatchObject({ iterations: 0, evaluations: 1, converged: true });
    const short = await lbfgs(valley, [-1.2, 1], { maxIterations: 3 });
    expect(short).toMatchObject({ iterations: 3, converged: false });
    expect(short.value).toBeLessThan(24.2);
  });

  it('steps back from where the function is not finite', async () => {
    const { x } = await lbfgs(
      ([v], gradient) => {
        gradient[0] = 1 - 1 / v!;
        return v! - Math.log(v!);
      },
      [0.01],
    );
    expect(x[0]).toBeCloseTo(1, 4);
  });

  it('refuses a start without a value', async () => {
    await expect(lbfgs(() => Number.NaN, [0])).rejects.toThrow(/finite value at the start but received NaN/);
  });
});
