/** @file `afterimage models info`. */

import { count } from '../../../units.js';
import { defineCommand } from '../../command.js';
import { pairs } from '../../table.js';
import { print } from '../../terminal.js';

export const info = defineCommand({
  name: 'models info',
  usage: 'NAME|FOLDER [--json]',
  summary: 'Says everything about one model.',
  arity: [1, 1],
  options: { json: { type: 'boolean', help: 'print JSON' } },
  examples: [
    ['afterimage models info clip-vit-b32', 'a short name, or one of its aliases, such as ViT-B/32'],
    ['afterimage models info ./my-model', 'a folder with weights'],
  ],
  async run({ json }, [name]) {
    const { describeModel } = await import('../../../models/inventory.js');
    const m = await describeModel(name!);
    if (json) {
      await print(JSON.stringify(m, null, 2));
      return 0;
    }
    const outputs = Object.entries(m.outputs).map(
      ([output, n]) =>
        `${output}${n === null ? '' : ` ${count(n)}`}${output === m.defaultOutput ? ' (default)' : ''}`,
    );
    const rows: [string, string | null][] = [
      ['name', m.name],
      ['aliases', m.aliases.join(', ') || null],
      ['family', m.family],
      ['architecture', m.architecture],
      ['outputs', outputs.join(', ')],
      ['texts', m.text ? 'yes, in the output projection' : 'no'],
      ['images', m.preparation],
      ['parameters', m.parameters === null ? null : count(m.parameters)],
      ['licence', m.licence ?? 'not stated here: see the model card'],
      ['source', m.repo === null ? null : `https://huggingface.co/${m.repo}, revision ${m.revision}`],
      ['state', m.state],
      ['path', m.path],
      ['model card', m.card],
    ];
    await print(pairs(rows.filter((row): row is [string, string] => row[1] !== null)));
    return 0;
  },
});
