/** @file The conformance of renderers: the same points are seen in the same places, with Canvas 2D and with WebGL 2. */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scratch } from '../cli/run.js';
import { CHROMIUM, domOf, pageOf, resultOf } from './chromium.js';

type Scenes = Record<string, number[][]>;
const { folder, remove } = scratch();
afterAll(remove);
let drawn: Record<'canvas' | 'webgl2', Scenes | null>;

const RED = [255, 0, 0, 255];
const GREEN = [0, 255, 0, 255];
const BLUE = [0, 0, 255, 255];
const GREY = [204, 204, 204, 255];
const YELLOW = [255, 255, 0, 255];
const NOTHING = [0, 0, 0, 0];

/** What every renderer must draw. */
const EXPECTED: Scenes = {
  plain: [RED, GREEN, BLUE, RED, NOTHING, NOTHING],
  moved: [GREEN, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING],
  near: [RED, NOTHING, NOTHING],
  emphasis: [RED, GREY, BLUE, RED, NOTHING, NOTHING, RED],
  recoloured: [GREEN, GREEN, BLUE, RED, NOTHING, NOTHING],
  pictures: [YELLOW, YELLOW, GREEN, GREEN, NOTHING],
  first: [RED],
  second: [GREEN],
  none: [NOTHING],
};

describe.skipIf(CHROMIUM === undefined)('a renderer', () => {
  beforeAll(async () => {
    const page = await pageOf(path.join(import.meta.dirname, 'renderers-page.ts'), folder);
    drawn = resultOf(await domOf(page));
  }, 90_000);

  it.each(['canvas', 'webgl2'] as const)(
    '%s draws points, emphasis and pictures where they belong',
    (kind) => {
      const scenes = drawn[kind];
      if (scenes === null) {
        console.log(`this browser has no ${kind}: it is not tested`);
        return;
      }
      expect(scenes).toEqual(EXPECTED);
    },
  );
});
