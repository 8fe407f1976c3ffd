/** @file `afterimage models remove`. */

import { bytes } from '../../../units.js';
import { defineCommand } from '../../command.js';
import { print } from '../../terminal.js';

export const remove = defineCommand({
  name: 'models remove',
  usage: 'NAME… [--json]',
  summary: 'Deletes downloaded models from the Hugging Face cache, which Python’s tools share.',
  arity: [1, Number.POSITIVE_INFINITY],
  options: { json: { type: 'boolean', help: 'print JSON, one object a line' } },
  examples: [['afterimage models remove clip-vit-l14', 'all its revisions']],
  async run({ json }, names) {
    const { removeModel } = await import('../../../models/inventory.js');
    for (const name of names) {
      const removed = await removeModel(name);
      await print(json ? JSON.stringify(removed) : `removed ${removed.repo} (${bytes(removed.bytes)})`);
    }
    return 0;
  },
});
