/** @file The parts of the map that need no browser, against brute force and against what colours look like. */
import { describe, expect, it } from 'vitest';
import { Random } from '#src/random.js';
import { groupMiddles } from '../../web/map/labels.js';
import { CATEGORIES, numberScale, OTHER } from '../../web/map/palette.js';
import { PointGrid } from '../../web/map/point-grid.js';
import { spread } from '../../web/map/spread.js';
import { drawingOrder } from '../../web/map/types.js';
import { fitted, panned, toPlane, toScreen, zoomedAt } from '../../web/map/view.js';
import { oklab, seen, type Triple } from './colours.js';

const random = new Random(3, 'points');
const N = 2000;
const points = {
  x: Float32Array.from({ length: N }, () => random.normal() ** 3),
  y: Float32Array.from({ length: N }, () => 0.1 * random.normal()),
};
const all = Array.from({ length: N }, (_, i) => i);

describe('the grid', () => {
  const grid = new PointGrid(points);

  it('finds the nearest point that brute force finds', () => {
    for (let q = 0; q < 200; q++) {
      const [x, y] = [2 * random.normal(), 0.2 * random.normal()];
      const radius = random.next();
      const far = (i: number) => (points.x[i]! - x) ** 2 + (points.y[i]! - y) ** 2;
      const best = all.reduce((a, b) => (far(b) < far(a) ? b : a));
      expect(grid.nearest(x, y, radius)).toBe(far(best) <= radius * radius ? best : -1);
      const even = all.filter((i) => i % 2 === 0).reduce((a, b) => (far(b) < far(a) ? b : a));
      const found = grid.nearest(x, y, 100, (i) => i % 2 === 0);
      expect(far(found)).toBe(far(even));
    }
  });

  it('finds what lies in a triangle', () => {
    const corners = [
      { x: -1, y: -0.2 },
      { x: 2, y: 0 },
      { x: 0, y: 0.25 },
    ];
    const side = (i: number, a: number, b: number) =>
      (corners[b]!.x - corners[a]!.x) * (points.y[i]! - corners[a]!.y) -
      (corners[b]!.y - corners[a]!.y) * (points.x[i]! - corners[a]!.x);
    const inside = all.filter((i) => side(i, 0, 1) > 0 && side(i, 1, 2) > 0 && side(i, 2, 0) > 0);
    expect(inside.length).toBeGreaterThan(100);
    expect([...grid.inside(corners)]).toEqual(inside);
  });

  it('takes no points, one, and many on one place', () => {
    expect(new PointGrid({ x: new Float32Array(0), y: new Float32Array(0) }).nearest(0, 0, 9)).toBe(-1);
    expect(new PointGrid({ x: Float32Array.of(5), y: Float32Array.of(5) }).nearest(5, 6, 2)).toBe(0);
    const copies = new PointGrid({ x: new Float32Array(50), y: new Float32Array(50) });
    expect(copies.nearest(0, 0, 0)).toBeGreaterThanOrEqual(0);
  });
});

describe('views', () => {
  const size = { width: 800, height: 600 };

  it('lead to the screen and back', () => {
    const view = { x: 3, y: -2, scale: 41 };
    const place = toScreen(view, size, 1.5, 4);
    expect(toPlane(view, size, place).x).toBeCloseTo(1.5, 9);
    expect(toPlane(view, size, place).y).toBeCloseTo(4, 9);
    const zoomed = zoomedAt(view, size, { x: 77, y: 500 }, 3.7);
    const before = toPlane(view, size, { x: 77, y: 500 });
    const after = toPlane(zoomed, size, { x: 77, y: 500 });
    expect(after.x).toBeCloseTo(before.x, 9);
    expect(after.y).toBeCloseTo(before.y, 9);
    const moved = toScreen(panned(view, 10, 20), size, 1.5, 4);
    expect(moved.x - place.x).toBeCloseTo(10, 9);
    expect(moved.y - place.y).toBeCloseTo(20, 9);
  });

  it('show every point beside what covers the left', () => {
    const view = fitted(points, size, undefined, 250);
    const places = all.map((i) => toScreen(view, size, points.x[i]!, points.y[i]!));
    expect(Math.min(...places.map(({ x }) => x))).toBeGreaterThan(250);
    expect(Math.max(...places.map(({ x }) => x))).toBeLessThan(800);
    expect(Math.min(...places.map(({ y }) => y))).toBeGreaterThan(0);
  });
});

describe('pictures', () => {
  const size = { width: 1000, height: 700 };
  const input = {
    points,
    candidates: all,
    first: [],
    shown: [],
    size: 50,
    distance: 60,
    most: 400,
    allowed: () => true,
  };
  const view = { x: 0, y: 0, scale: 400 };

  it('never overlap, and leave no room that one would fit into', () => {
    const chosen = spread(view, size, input);
    expect(chosen.length).toBeGreaterThan(20);
    const places = chosen.map(({ item }) => toScreen(view, size, points.x[item]!, points.y[item]!));
    const apart = (a: { x: number; y: number }, b: { x: number; y: number }) =>
      Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y));
    for (const [i, a] of places.entries())
      for (const b of places.slice(0, i)) expect(apart(a, b)).toBeGreaterThanOrEqual(60);
    for (const i of all) {
      const place = toScreen(view, size, points.x[i]!, points.y[i]!);
      const within = place.x >= 0 && place.y >= 0 && place.x <= 1000 && place.y <= 700;
      if (within) expect(places.some((other) => apart(place, other) < 60)).toBe(true);
    }
  });

  it('stay while the map moves', () => {
    const before = spread(view, size, input);
    const moved = panned(view, 15, 8);
    const after = new Set(spread(moved, size, { ...input, shown: before }).map(({ item }) => item));
    const gone = before.filter(({ item }) => {
      const place = toScreen(moved, size, points.x[item]!, points.y[item]!);
      return place.x > 0 && place.x < 1000 && place.y > 0 && place.y < 700 && !after.has(item);
    });
    expect(gone).toEqual([]);
  });
});

it('draws every item once, faded ones first and raised ones last, kinds mixed', () => {
  const levels = Uint8Array.from(all, (i) => i % 3);
  const order = [...drawingOrder(N, levels)];
  expect([...order].sort((a, b) => a - b)).toEqual(all);
  const drawn = order.map((i) => levels[i]!);
  expect(drawn).toEqual([...drawn].sort());
  const plain = [...drawingOrder(N, undefined)];
  const early = plain.slice(0, N / 2).filter((i) => i < N / 2).length; // of sorted kinds, neither lies on top
  expect(Math.abs(early - N / 4)).toBeLessThan(N / 50);
});

it('puts a name among the members of a group that is torn apart', () => {
  const torn = { x: Float32Array.of(0, 0.1, 0.2, 10, 10.1), y: Float32Array.of(0, 0, 0, 0, 0) };
  const [middle] = groupMiddles(torn, [0, 0, 0, 0, 0], 1);
  expect(middle).toEqual({ x: torn.x[2], y: 0, size: 5 });
});

describe('colours', () => {
  const far = (a: Triple, b: Triple) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

  it.each(['normal', 'protan', 'deutan', 'tritan'] as const)(
    'of kinds can be told apart with %s sight',
    (sight) => {
      const colours = [...CATEGORIES, OTHER].map((hex) => oklab(seen(hex, sight)));
      const distances = colours.flatMap((a, i) => colours.slice(0, i).map((b) => far(a, b)));
      expect(Math.min(...distances)).toBeGreaterThan(0.085); // some 0.02 is just noticeable; the Okabe–Ito palette has 0.076
    },
  );

  it('of numbers climb evenly', () => {
    const scale = numberScale().map((hex) => oklab(seen(hex, 'normal')));
    const steps = scale.slice(1).map((colour, i) => far(colour, scale[i]!));
    const mean = steps.reduce((a, b) => a + b) / steps.length;
    for (const step of steps) expect(Math.abs(step / mean - 1)).toBeLessThan(0.35);
    for (const [i, [lightness]] of scale.slice(1).entries()) expect(lightness).toBeGreaterThan(scale[i]![0]);
  });
});
