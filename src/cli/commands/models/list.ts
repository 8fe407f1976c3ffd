/** @file `afterimage models list`. */

import { bytes, count } from '../../../units.js';
import { defineCommand } from '../../command.js';
import { table } from '../../table.js';
import { dim, green, print } from '../../terminal.js';

export const list = defineCommand({
  name: 'models list',
  usage: '[--all] [--json]',
  summary: 'Lists the models that have short names, and says which of them are on this machine.',
  details:
    'Any other repository of the Hugging Face hub (org/name) and any local folder with safetensors or ' +
    'ONNX weights work too, where their architecture is known.',
  arity: [0, 0],
  options: {
    all: { type: 'boolean', help: 'the other repositories in the cache, too' },
    json: { type: 'boolean', help: 'print JSON' },
  },
  examples: [['afterimage models list', 'what can --model be?']],
  async run({ all, json }) {
    const { listModels } = await import('../../../models/inventory.js');
    const { models, others } = await listModels();
    if (json) {
      await print(JSON.stringify(all ? { models, others } : { models }, null, 2));
      return 0;
    }
    const states = {
      bundled: green('bundled'),
      cached: green('cached'),
      incomplete: 'incomplete',
      local: 'local',
      remote: dim('remote'),
    };
    const rows = models.map((m) => [
      m.name,
      m.family,
      count(m.dimension),
      m.text ? 'yes' : '',
      bytes(m.bytes),
      m.licence,
      states[m.state],
    ]);
    await print(table(['name', 'family', 'dimension >', 'texts', 'size >', 'licence', 'state'], rows));
    if (all && others.length > 0)
      await print(
        `\n${table(
          ['other repositories', 'size >'],
          others.map((o) => [o.repo, bytes(o.bytes)]),
        )}`,
      );
    return 0;
  },
});
