/**
 * @file From pixels to tokens (Dosovitskiy et al., 2021): patches, special tokens, position embeddings, encoder.
 *
 * A tower is plain data: where its tensors are, and how large they are. ViT, DINOv2 and the image towers of CLIP and
 * SigLIP differ in that data and in what they make of the tokens.
 */
import { ModelError } from '../errors.js';
import { type Graph, ops, product, type Value } from '../graph/index.js';
import type { ImageSize } from './layers.js';
import { imageGraph } from './layers.js';
import { Blocks, type Encoder, flatTokens, norm, type Unflatten } from './transformer-layers.js';

/** A learned tensor by name, in its stored shape. */
export interface Stored {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface VisionTower {
  readonly input: ImageSize;
  readonly encoder: Encoder;
  /** The convolution that cuts and embeds the patches. */
  readonly patch: { readonly name: string; readonly size: readonly [number, number]; readonly bias: boolean };
  /** Learned tokens that stand before the patches: class, distillation, registers. */
  readonly special: readonly Stored[];
  readonly positions: Stored & {
    /** How many of the special tokens have a position; its rows come first. */
    readonly special: number;
    /** Rows and columns of the patches at the size of the training. */
    readonly grid: readonly [number, number];
    /** How the publisher resamples the grid to another size. */
    readonly resample: ops.Bicubic;
  };
  /** A norm before the first block (CLIP), or null. */
  readonly preNorm: string | null;
}

/** A tower's tokens on their way into the last block. */
export interface Trunk {
  readonly graph: Graph;
  readonly blocks: Blocks;
  /** What the last block reads: [N·T, D]. */
  readonly body: Value;
  readonly unflatten: Unflatten;
  /** Number of special tokens. */
  readonly special: number;
}

/** Builds everything up to the last block. */
export function visionTrunk(name: string, tower: VisionTower): Trunk {
  const { graph, pixels } = imageGraph(name, tower.input);
  const { width } = tower.encoder;
  const patches = ops.add(embedPatches(pixels, tower), patchPositions(graph, tower));
  const specials = specialTokens(graph, tower);
  const tokens = specials ? ops.concat([ops.expandBatch(specials, pixels), patches], 1) : patches;
  const length = tokens.shape[1] as number;
  const flat = flatTokens(tokens);
  const first = tower.preNorm === null ? flat : norm(flat, tower.preNorm, tower.encoder.epsilon);
  const unflatten = (x: Value) => ops.reshape(x, ['N', length, x.shape.at(-1)!]);
  const blocks = new Blocks(graph, tower.encoder, unflatten);
  const special = length - patchCount(tower);
  if (length < 1 || width < 1) throw new ModelError(`${name}: the image holds no patch`);
  return { graph, blocks, body: blocks.body(first), unflatten, special };
}

/** The tower for images of another size; its position embeddings are resampled as its publisher does. */
export function resizeTower(tower: VisionTower, input: ImageSize): VisionTower {
  const [ph, pw] = tower.patch.size;
  if (input.height < ph || input.width < pw)
    throw new ModelError(
      `an image of ${input.height} × ${input.width} is smaller than a patch of ${ph} × ${pw}`,
    );
  return { ...tower, input };
}

function gridOf({ input, patch }: VisionTower): [number, number] {
  return [Math.floor(input.height / patch.size[0]), Math.floor(input.width / patch.size[1])];
}

function patchCount(tower: VisionTower): number {
  const [rows, columns] = gridOf(tower);
  return rows * columns;
}

/** [N, 3, H, W] → [N, P, D]. */
function embedPatches(pixels: Value, tower: VisionTower): Value {
  const { name, size, bias } = tower.patch;
  const { width } = tower.encoder;
  const { graph } = pixels;
  const weight = graph.parameter(`${name}.weight`, [width, 3, size[0], size[1]]);
  if (size[0] !== size[1]) throw new ModelError(`patches of ${size[0]} × ${size[1]} are not square`);
  const map = ops.conv(pixels, weight, bias ? graph.parameter(`${name}.bias`, [width]) : null, {
    stride: size[0],
  });
  return ops.transpose(ops.reshape(map, [map.shape[0]!, width, patchCount(tower)]), [0, 2, 1]);
}

/** The patches' position embeddings at the size of the input: [P, D]. */
function patchPositions(graph: Graph, tower: VisionTower): Value {
  const { special, grid, resample } = tower.positions;
  const table = positionTable(graph, tower);
  const rows = table.shape[0] as number;
  const patches = special === 0 ? table : ops.slice(table, 0, special, rows);
  const [height, width] = gridOf(tower);
  if (height === grid[0] && width === grid[1]) return patches;
  const d = tower.encoder.width;
  const map = ops.transpose(ops.reshape(patches, [1, grid[0], grid[1], d]), [0, 3, 1, 2]);
  const resized = ops.resizeBicubic(map, height, width, resample);
  return ops.reshape(ops.transpose(resized, [0, 2, 3, 1]), [height * width, d]);
}

/** The special tokens with their positions: [1, S, D]; undefined when there are none. */
function specialTokens(graph: Graph, tower: VisionTower): Value | undefined {
  const { width } = tower.encoder;
  if (tower.special.length === 0) return undefined;
  const rows = tower.special.map((t) => {
    const stored = graph.parameter(t.name, t.shape);
    return ops.reshape(stored, [(product(t.shape) as number) / width, width]);
  });
  const all = rows.length === 1 ? rows[0]! : ops.concat(rows, 0);
  const count = all.shape[0] as number;
  const { special } = tower.positions;
  if (special === 0) return ops.reshape(all, [1, count, width]);
  const positions = ops.slice(positionTable(graph, tower), 0, 0, special);
  const placed = ops.add(special === count ? all : ops.slice(all, 0, 0, special), positions);
  const joined = special === count ? placed : ops.concat([placed, ops.slice(all, 0, special, count)], 0);
  return ops.reshape(joined, [1, count, width]);
}

function positionTable(graph: Graph, { positions, encoder }: VisionTower): Value {
  const stored = graph.parameter(positions.name, positions.shape);
  return ops.reshape(stored, [(product(positions.shape) as number) / encoder.width, encoder.width]);
}

/**
 * How a position table of `rows` rows divides into special tokens and a grid: the grid of the training's image size
 * where it fits, else a square one.
 * @throws ModelError when no grid fits.
 */
export function gridOfPositions(
  rows: number,
  special: readonly number[],
  trained: readonly [number, number],
): { special: number; grid: [number, number] } {
  for (const s of special)
    if (trained[0] * trained[1] + s === rows) return { special: s, grid: [...trained] };
  for (const s of special) {
    const side = Math.round(Math.sqrt(rows - s));
    if (side > 0 && side * side === rows - s) return { special: s, grid: [side, side] };
  }
  throw new ModelError(
    `${rows} position embeddings are no grid of patches with ${special.join(' or ')} special tokens`,
    { hint: 'say in config.json for which images they are: "image_size": [height, width]' },
  );
}
