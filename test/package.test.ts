/** @file The package as a whole: imports go down only, and every export and declared file exists. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Each room with the rooms below it. */
const LAYERS: Record<string, string[]> = {
  graph: [],
  image: [],
  models: ['graph', 'image'],
  vectors: ['graph'],
  embedding: ['graph', 'image', 'models', 'vectors'],
  training: ['graph', 'image', 'models', 'vectors', 'embedding'],
  collection: ['graph', 'image', 'models', 'vectors', 'embedding'],
  pages: ['image', 'models'],
  analysis: ['graph', 'image', 'models', 'vectors', 'embedding', 'training', 'collection', 'pages'],
  cli: ['graph', 'image', 'models', 'vectors', 'embedding', 'training', 'collection', 'pages', 'analysis'],
};

describe('the layers', () => {
  it.each(Object.entries(LAYERS))('%s imports only from below', (room, below) => {
    const files = readdirSync(path.join(root, 'src', room), { recursive: true, encoding: 'utf8' });
    const wrong: string[] = [];
    for (const file of files.filter((f) => f.endsWith('.ts'))) {
      const where = path.join(root, 'src', room, file);
      for (const [, target] of readFileSync(where, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
        const parts = path
          .relative(path.join(root, 'src'), path.join(path.dirname(where), target!))
          .split(path.sep);
        const other = parts.length > 1 ? parts[0]! : undefined; // files directly under src are for all
        if (other && other !== room && !below.includes(other))
          wrong.push(`${room}/${file} imports ${target}`);
      }
    }
    expect(files.length).toBeGreaterThan(3);
    expect(wrong).toEqual([]);
  });
});

describe('package.json', () => {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
    exports: Record<string, string | { types: string; default: string }>;
    files: string[];
    dependencies: Record<string, string>;
  };

  it('exports only files that exist', () => {
    const targets = Object.values(manifest.exports).flatMap((e) =>
      typeof e === 'string' ? [e] : [e.types, e.default],
    );
    const missing = [
      ...targets,
      ...Object.values(manifest.bin),
      ...manifest.files.filter((f) => !f.startsWith('!')),
    ].filter((f) => !existsSync(path.join(root, f)));
    expect(missing).toEqual([]);
  });

  it('lists the dependencies that the sources import, and no others', () => {
    const used = new Set<string>();
    for (const file of readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.endsWith('.d.ts')) continue;
      const text = readFileSync(path.join(root, 'src', file), 'utf8');
      for (const [, name] of text.matchAll(/(?:from|import\(|resolve\()\s*'([a-z@][^':\s]*)'/g))
        used.add(
          name!
            .split('/')
            .slice(0, name!.startsWith('@') ? 2 : 1)
            .join('/'),
        );
    }
    expect(Object.keys(manifest.dependencies).sort()).toEqual([...used].sort());
  });
});
