// Compiles assembly/*.ts (AssemblyScript) into the rooms that use them, each module held as base64 in a TypeScript file
// that is committed, so that a build needs no second compiler. With --check nothing is written: it fails if a
// committed module is not what its source compiles to.
import { Buffer } from 'node:buffer';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import asc from 'assemblyscript/asc';

const root = path.dirname(import.meta.dirname);
const check = process.argv.includes('--check');
let stale = 0;

/** Where each module goes, and whose its memory is. */
const MODULES = {
  optimizer: { folder: 'src/training/optim/wasm', options: ['--importMemory'] },
  resample: { folder: 'src/image/wasm', options: [] },
};

for (const file of (await readdir(path.join(root, 'assembly')))
  .filter((name) => name.endsWith('.ts'))
  .sort()) {
  const name = path.basename(file, '.ts');
  const place = MODULES[name];
  if (!place) throw new Error(`assembly/${file}: say in MODULES which folder it belongs to`);
  const source = await readFile(path.join(root, 'assembly', file), 'utf8');
  let binary = new Uint8Array();
  const { error, stderr } = await asc.main(
    [
      file,
      '--outFile',
      `${name}.wasm`,
      '--optimizeLevel',
      '3',
      '--converge',
      '--noAssert',
      '--runtime',
      'stub',
    ].concat(['--enable', 'simd', '--initialMemory', '1'], place.options),
    {
      readFile: (wanted) => (wanted === file ? source : null),
      writeFile: (_, contents) => {
        binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`${file} does not compile:\n${stderr}`);

  const lines =
    Buffer.from(binary)
      .toString('base64')
      .match(/.{1,100}/g) ?? [];
  const module = `/** @file assembly/${file} compiled: ${binary.length} bytes of WebAssembly. Written by scripts/build-wasm.mjs. */

export const wasmBase64 =
${lines.map((line) => `  '${line}'`).join(' +\n')};
`;
  const target = path.join(root, place.folder, `${name}.ts`);
  if (check) {
    const committed = await readFile(target, 'utf8').catch(() => '');
    if (committed !== module) {
      console.error(
        `${path.relative(root, target)} is not what assembly/${file} compiles to: run node scripts/build-wasm.mjs`,
      );
      stale++;
    }
  } else {
    await writeFile(target, module);
    console.log(`${path.relative(root, target)}: ${binary.length} bytes`);
  }
}
process.exitCode = stale > 0 ? 1 : 0;
