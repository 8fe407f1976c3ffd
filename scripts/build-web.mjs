// Bundles web/ into one script for each page: dist/web/map.js. It is what src/pages puts into the page.
import path from 'node:path';
import { build } from 'vite';

const root = path.dirname(import.meta.dirname);
await build({
  root: path.join(root, 'web'),
  configFile: false,
  logLevel: 'warn',
  build: {
    target: 'es2022',
    outDir: path.join(root, 'dist', 'web'),
    emptyOutDir: false,
    lib: {
      entry: path.join(root, 'web', 'map', 'page', 'main.ts'),
      formats: ['iife'],
      name: 'afterimageMap',
      fileName: () => 'map.js',
    },
  },
});
