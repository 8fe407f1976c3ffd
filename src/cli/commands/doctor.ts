/** @file `afterimage doctor`: what is installed, and the self-test against golden numbers. */

import { bytes } from '../../units.js';
import { defineCommand } from '../command.js';
import { pairs } from '../table.js';
import { bold, green, print, red } from '../terminal.js';

export const doctor = defineCommand({
  name: 'doctor',
  usage: '[--json]',
  summary: 'Prints what is installed and where things are kept, and checks this machine’s numbers.',
  details:
    'The samples that come with the package are decoded, resized and embedded; every step is compared ' +
    'with what Pillow and PyTorch gave for the same files. Exit code 1 when one of them differs.',
  arity: [0, 0],
  options: { json: { type: 'boolean', help: 'print JSON' } },
  examples: [['afterimage doctor', 'is everything in order?']],
  async run({ json }) {
    const { diagnose } = await import('../../embedding/index.js');
    const found = await diagnose();
    const code = found.healthy ? 0 : 1;
    if (json) {
      await print(JSON.stringify(found, null, 2));
      return code;
    }
    const { versions, caches, hub } = found;
    const cache = (c: typeof caches.hub) =>
      `${c.folder} (${bytes(c.bytes)}${c.writable ? '' : ', NOT WRITABLE'})`;
    const flags = [hub.offline ? 'offline' : '', hub.token ? 'with a token' : 'without a token'];
    await print(
      pairs([
        ['afterimage', versions.afterimage],
        ['node', `${versions.node}, ${found.platform}`],
        ['engine', `ONNX Runtime ${versions.onnxruntime}`],
        ['images', `sharp ${versions.sharp}, libvips ${versions.libvips}`],
        ['processor', `${found.processor}, ${found.threads} threads`],
        ['devices', found.devices.join(', ')],
        ['hub', `${hub.endpoint} (${flags.filter(Boolean).join(', ')})`],
        ['models', cache(caches.hub)],
        ['own cache', cache(caches.afterimage)],
      ]),
    );
    const made = Object.entries(found.reference).map(([name, version]) => `${name} ${version}`);
    await print(`\n${bold(`self-test${made.length > 0 ? ` against ${made.join(', ')}` : ''}`)}`);
    for (const { name, passed, detail } of found.checks)
      await print(`  ${passed ? green('pass') : red('FAIL')}  ${name}: ${detail}`);
    const failed = found.checks.filter((c) => !c.passed).length;
    await print(failed === 0 ? '\nall is well' : `\n${failed} of ${found.checks.length} checks failed`);
    return code;
  },
});
