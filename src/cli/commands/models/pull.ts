/** @file `afterimage models pull`. */
import { defineCommand } from '../../command.js';
import { downloadProgress } from '../../download.js';
import { print } from '../../terminal.js';

export const pull = defineCommand({
  name: 'models pull',
  usage: 'NAME… [--revision REV]',
  summary: 'Downloads models into the Hugging Face cache, which Python’s tools share.',
  details:
    'What is there already is checked, not fetched again; a download that was cut goes on where it ' +
    'stopped; damaged files are replaced. HF_HOME, HF_HUB_CACHE, HF_ENDPOINT and HF_TOKEN are respected.',
  arity: [1, Number.POSITIVE_INFINITY],
  options: {
    revision: { type: 'string', value: 'REV', help: 'a branch, tag or commit' },
    json: { type: 'boolean', help: 'print JSON, one object a line' },
  },
  examples: [
    ['afterimage models pull clip-vit-b32 dinov2-small', 'now these work with --offline'],
    ['afterimage models pull google/vit-base-patch16-224', 'any repository of the hub'],
  ],
  async run({ revision, json }, names) {
    const { pullModel } = await import('../../../models/inventory.js');
    for (const name of names) {
      const { path, revision: commit } = await pullModel(name, {
        ...(revision === undefined ? {} : { revision }),
        onDownload: downloadProgress(),
      });
      if (json) await print(JSON.stringify({ name, revision: commit, path }));
      else await print(`${name}${commit ? ` at ${commit.slice(0, 12)}` : ''}: ${path}`);
    }
    return 0;
  },
});
