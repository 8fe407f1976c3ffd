/** @file The commands that train, as they are typed: what they show, what they leave behind, what they refuse. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { project } from '#src/cli/commands/project.js';
import { reconstruct } from '#src/cli/commands/reconstruct.js';
import { autoencoder } from '#src/cli/commands/train/autoencoder.js';
import { projection } from '#src/cli/commands/train/projection.js';
import { siamese } from '#src/cli/commands/train/siamese.js';
import { loadEmbedder } from '#src/embedding/index.js';
import { writePictures } from '../training/pictures.js';
import { capture } from './capture.js';
import { scratch } from './run.js';

const { folder, remove } = scratch();
const at = (...names: string[]) => path.join(folder, ...names);
const pictures = at('pictures');
/** Few threads and little work. */
const LIGHT = ['--threads', '1', '--workers', '1'];
const TINY = ['--size', '16', '--channels', '4,8', '--batch-size', '8', '--epochs', '2', ...LIGHT];
const HEAD = ['--epochs', '3', '--dimension', '8', ...LIGHT];

beforeAll(async () => {
  await writePictures(pictures, { classes: 4, each: 6, side: 24 });
  writeFileSync(path.join(pictures, 'class1', 'broken.jpg'), 'no picture');
});
afterAll(remove);

describe('help', () => {
  const commands = {
    'train siamese': siamese,
    'train autoencoder': autoencoder,
    'train projection': projection,
  };
  it.each(Object.entries({ ...commands, project, reconstruct }))(
    'of %s: at most 80 columns, each option described, examples that parse',
    async (name, command) => {
      const text = command.help();
      expect(text.split('\n').filter((line) => [...line].length > 80)).toEqual([]);
      expect(text).toContain(`usage: afterimage ${name} `);
      expect(text).toMatch(/--out/);
      expect(text).toMatch(/examples:\n {2}afterimage /);
      // A word that is mistyped in an example would be told as an unknown option.
      const examples = text.split('\n').filter((line) => line.startsWith(`  afterimage ${name} `));
      expect(examples.length).toBeGreaterThan(0);
      for (const line of examples) {
        const words = line
          .trim()
          .split(' ')
          .slice(1 + name.split(' ').length);
        await expect(capture(command, [...words, '--help'])).resolves.toMatchObject({ code: 0 });
      }
    },
  );
});

describe('train siamese', () => {
  it('tells of the data before it starts, of every epoch, and what came of it', async () => {
    const out = at('head');
    const { code, stdout, stderr } = await capture(siamese, [pictures, '--out', out, ...HEAD]);
    expect(code).toBe(0);
    const [before, after] = stderr.split(/^ +epoch.*$/m) as [string, string];
    expect(before).toContain('24 images (labelled, 4 classes)');
    expect(before).toMatch(/unreadable:\n {2}\S*class1\/broken.jpg: /);
    expect(before).toMatch(/warning: 24 images are smaller than 192 × 192 and will be enlarged/);
    expect(after.match(/^ +before /gm)).toHaveLength(1);
    expect(after.match(/^ +\d\/3 .*$/gm)).toHaveLength(3); // no terminal: a line for each epoch and nothing else
    expect(stderr).not.toContain('\x1b');
    expect(stdout).toContain(`${out}: 3 epochs in `);
    expect(stdout).toMatch(/^ {2}precision@1 {2}\d\.\d{3} {2}before: \d\.\d{3}$/m);
    expect(stderr).toContain('1 image could not be read and was left out; see training/data.json');
    for (const name of ['curves.png', 'curves.svg', 'log.jsonl', 'data.json'])
      expect(existsSync(path.join(out, 'training', name))).toBe(true);
    expect(readFileSync(path.join(out, 'README.md'), 'utf8')).toMatch(/\| unreadable \| 1 \|/);
    await using embedder = await loadEmbedder(out);
    expect(embedder.dimension).toBe(8);
  });

  it('prints JSON alone when asked, and nothing more when quiet', async () => {
    const { stdout, stderr } = await capture(siamese, [
      ...[pictures, '--out', at('json'), ...HEAD, '--json', '--quiet'],
      ...['--loss', 'triplet', '--triplets', 'semi-hard', '--margin', '0.2', '--exclude', '*.jpg'],
    ]);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      ended: 'finished',
      epochs: 3,
      folder: at('json'),
      metrics: { 'precision@1': expect.any(Number), 'map@r': expect.any(Number) },
      unreadable: 0,
      failed: 0,
    });
  });

  it('goes on with an image that has become unreadable: another of its class stands in', async () => {
    const data = at('vanishing');
    await writePictures(data, { classes: 2, each: 8 });
    const out = at('vanished');
    const words = [data, '-o', out, ...HEAD];
    await capture(siamese, [...words, '-q']);
    // As after a break between the check, whose result stands, and the features; the file is another now.
    for (const name of readdirSync(path.join(out, 'training')))
      if (!/^(run|data)\.json$/.test(name)) rmSync(path.join(out, 'training', name));
    writeFileSync(path.join(data, 'class1', '3.png'), 'no picture');
    const { code, stderr } = await capture(siamese, [...words, '--resume']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/failed: \S*class1\/3\.png: .* \(decode\)/);
    expect(stderr).toContain('1 image could no longer be read during the run; others stood in for them');
  });

  it('learns from images without labels with varied views, unless told otherwise', async () => {
    const out = at('views');
    await capture(siamese, [
      ...[pictures, '-o', out, '--unlabelled', '--random', '-m', 'conv4', '--width', '0.125', '--size', '16'],
      ...['--epochs', '1', '--batch-size', '8', ...LIGHT, '-q'],
    ]);
    expect(readFileSync(path.join(out, 'README.md'), 'utf8')).toMatch(/\| augmentation \| simclr \|/);
  });

  it('takes an augmentation from a file', async () => {
    writeFileSync(at('vary.json'), '{"horizontalFlip": 0.5, "rotation": 10}');
    const words = [pictures, '--random', '-m', 'conv4', '--width', '0.125', '--size', '16', ...LIGHT, '-q'];
    const more = ['--epochs', '1', '--batch-size', '8', '--no-head'];
    const out = at('varied');
    await capture(siamese, [...words, ...more, '-o', out, '--augment', at('vary.json')]);
    expect(readFileSync(path.join(out, 'README.md'), 'utf8')).toContain('"rotation":10');
    await using embedder = await loadEmbedder(out);
    expect(embedder.dimension).toBe(8); // conv4's own, at this width and size
  });

  it('finds the images that a label file names', async () => {
    const rows = readdirSync(path.join(pictures, 'class0')).map((name) => `class0/${name},a`);
    const more = readdirSync(path.join(pictures, 'class2')).map((name) => `class2/${name},b`);
    writeFileSync(
      path.join(pictures, 'labels.csv'),
      `path,label\n${[...rows, ...more, 'gone.png,b'].join('\n')}\n`,
    );
    const words = [path.join(pictures, 'labels.csv'), '-o', at('labelled'), ...HEAD];
    await expect(capture(siamese, words)).rejects.toMatchObject({
      code: 'FORMAT',
      message: expect.stringContaining('gone.png'),
    });
    expect(existsSync(at('labelled'))).toBe(false);
    const { code, stderr } = await capture(siamese, [...words, '--skip-missing']);
    expect(code).toBe(0);
    expect(stderr).toContain('12 images (labelled, 2 classes)');
  });
});

describe('train autoencoder', () => {
  it('leaves a model that reconstructs, in a folder with sheet, scores and images', async () => {
    const out = at('ae');
    const trained = await capture(autoencoder, [
      pictures,
      '--out',
      out,
      ...TINY,
      '--checkpoint-seconds',
      '0',
    ]);
    expect(trained.code).toBe(0);
    expect(trained.stdout).toMatch(/^ {2}psnr {2}\d+\.\d+$/m);
    const back = at('back');
    const { code, stdout } = await capture(reconstruct, [
      pictures,
      '-m',
      out,
      '-o',
      back,
      '--threads',
      '1',
      '-q',
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^24 images, mean PSNR \d+\.\d\d dB, 1 failed: /);
    const [, ...rows] = readFileSync(path.join(back, 'scores.csv'), 'utf8').trim().split('\n');
    const errors = rows.map((row) => Number(row.split(',')[1]));
    expect(errors).toHaveLength(24);
    expect(errors).toEqual(errors.toSorted((a, b) => b - a));
    expect(readdirSync(path.join(back, 'images'))).toHaveLength(24);
    expect(await sharp(path.join(back, 'sheet.png')).metadata()).toMatchObject({ format: 'png' });
    const bundled = await capture(reconstruct, [pictures, '--threads', '1']);
    expect(bundled.stderr).toMatch(/^using the bundled mini-autoencoder\n/);
    expect(bundled.stdout).toMatch(/^24 images, mean PSNR \d+\.\d\d dB, 1 failed/);
    const again = capture(reconstruct, [pictures, '-m', out, '-o', back]);
    await expect(again).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining('already') });
  });

  it('says that nothing is left to do when a finished run is resumed', async () => {
    const out = at('finished');
    await capture(autoencoder, [pictures, '-o', out, ...TINY, '-q']);
    const model = readFileSync(path.join(out, 'model.safetensors'));
    const { code, stderr } = await capture(autoencoder, [pictures, '-o', out, ...TINY, '--resume']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/going on after step \d+: all epochs are done/);
    expect(readFileSync(path.join(out, 'model.safetensors')).equals(model)).toBe(true);
  });

  it('refuses a disk without room before it trains', async ({ skip }) => {
    const disk = at('disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'pipe' });
    } catch {
      console.log('skipped: a small disk cannot be mounted here');
      return skip();
    }
    try {
      const words = [pictures, '-o', path.join(disk, 'm'), ...TINY, '--latent', '512', '-q'];
      await expect(capture(autoencoder, words)).rejects.toMatchObject({
        code: 'FORMAT',
        message: expect.stringMatching(/expected \d+\.\d MB of free disk space .* but there are \d\.\d MB/),
        hint: expect.stringContaining('another disk'),
      });
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});

describe('what cannot be', () => {
  const refused = (command: typeof siamese, words: string[], message: RegExp, hint?: RegExp) =>
    expect(capture(command, [...words, '-q'])).rejects.toMatchObject({
      name: 'UsageError',
      message: expect.stringMatching(message),
      ...(hint ? { hint: expect.stringMatching(hint) } : {}),
    });
  const out = ['-o', at('never')];

  it.each<[string, string[], RegExp, RegExp?]>([
    ['no folder for the model', [], /expected --out DIR/, /--out my-model/],
    ['a mistyped option', [...out, '--epoch', '3'], /unknown option --epoch/, /did you mean --epochs/],
    ['a mistyped loss', [...out, '--loss', 'supkon'], /--loss: expected one of .* "supkon"/, /mean supcon/],
    ['a mistyped preset', [...out, '--augment', 'simclar'], /--augment: expected .*simclr/, /mean simclr/],
    ['a number that is none', [...out, '--lr', 'fast'], /--lr: expected a number/],
    ['no learning at all', [...out, '--lr', '0'], /lr: expected a number above 0/],
    ['all of it held out', [...out, '--validation', '1'], /validation: expected a part/],
    ['an option of another loss', [...out, '--loss', 'supcon', '--margin', '1'], /no option "margin"/],
    ['an option without its loss', [...out, '--margin', '1'], /--margin: name the loss/],
    [
      'a batch larger than the data',
      [...out, '--batch-size', '400'],
      /batch: expected at most the \d+ images/,
    ],
    [
      'parts that do not divide',
      [...out, '--batch-size', '8', '--accumulate', '3'],
      /accumulate: expected parts/,
    ],
    ['momentum for Adam', [...out, '--momentum', '0.9'], /--momentum is for sgd/],
    ['steps without their length', [...out, '--schedule', 'step'], /needs --step-size/],
    ['layers that are not there', [...out, '--train', 'layer9'], /no layer .* "layer9"/, /blocks\.6/],
    ['a run that was never begun', [...out, '--resume'], /no run was begun/, /leave out resume/],
    ['a folder with other things', ['-o', folder], /expected a new or an empty folder/],
  ])('%s', (_, words, message, hint) => refused(siamese, [pictures, ...words], message, hint));

  it('a model folder within the data, where a later run would find the curves', () =>
    refused(siamese, [pictures, '-o', path.join(pictures, 'mine')], /outside of the data/));

  it('a folder "training" that no run made is left alone', async () => {
    const photos = at('splits');
    await writePictures(path.join(photos, 'training'), { classes: 2, each: 2 });
    await refused(siamese, [pictures, '-o', photos, '--overwrite'], /holds class0/, /would replace/);
    expect(readdirSync(path.join(photos, 'training'))).toEqual(['class0', 'class1']);
  });

  it('data that nothing can be learned from', async () => {
    await writePictures(at('singles'), { classes: 5, each: 1 });
    await refused(siamese, [at('singles'), ...out], /two or more training images in some classes/);
    await refused(
      siamese,
      [path.join(pictures, 'class0'), ...out],
      /images without labels/,
      /label the images/,
    );
    await refused(siamese, [at('nowhere'), ...out], /no file or folder/);
    await expect(capture(autoencoder, [pictures, ...out, '--size', '30'])).rejects.toMatchObject({
      code: 'MODEL',
      message: expect.stringContaining('divisible by 4'),
    });
    await refused(autoencoder, [pictures, ...out, '--channels', '4,x'], /--channels: expected whole numbers/);
    expect(existsSync(at('never'))).toBe(false);
  });

  it('going on with other options, or with other data', async () => {
    const data = at('changing');
    await writePictures(data, { classes: 2, each: 6 });
    const words = [data, '-o', at('resumed'), ...TINY];
    await capture(autoencoder, [...words, '-q']);
    await refused(autoencoder, words, /a model is there already/, /overwrite/);
    await refused(
      autoencoder,
      [...words, '--resume', '--lr', '0.1', '--seed', '4'],
      /optimizer\.lr .*0\.1 now.*seed/,
    );
    await writePictures(data, { classes: 3, each: 2 });
    await refused(autoencoder, [...words, '--resume'], /expected the 12 images, .* but found 14/);
    // What cannot begin replaces nothing.
    const log = () => readFileSync(path.join(at('resumed'), 'training', 'log.jsonl'), 'utf8');
    const before = log();
    await refused(autoencoder, [...words, '--overwrite', '--batch-size', '400'], /batch: expected/);
    expect(log()).toBe(before);
    await capture(autoencoder, [...words, '--overwrite', '-q']);
    expect(log()).not.toBe(before);
    expect(readdirSync(at('resumed')).filter((name) => name.startsWith('training'))).toEqual(['training']);
    appendFileSync(path.join(at('resumed'), 'training', 'run.json'), '}');
    await expect(capture(autoencoder, [...words, '--resume'])).rejects.toMatchObject({ code: 'FORMAT' });
  });
});
