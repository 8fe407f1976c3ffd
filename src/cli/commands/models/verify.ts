/** @file `afterimage models verify`. */

import { plural } from '../../../units.js';
import { defineCommand } from '../../command.js';
import { green, note, print, red } from '../../terminal.js';

export const verify = defineCommand({
  name: 'models verify',
  usage: '[NAME…] [--json]',
  summary: 'Checks downloaded files against their checksums. Exit code 1 when one is damaged.',
  options: { json: { type: 'boolean', help: 'print JSON, one object a line' } },
  examples: [
    ['afterimage models verify', 'everything in the cache'],
    ['afterimage models verify resnet50', 'one model'],
  ],
  async run({ json }, names) {
    const { verifyModels } = await import('../../../models/inventory.js');
    let files = 0;
    const damaged = new Set<string>();
    for await (const { repo, checks } of verifyModels(names)) {
      const problems = checks.filter((c) => c.problem !== undefined);
      files += checks.length;
      if (problems.length > 0) damaged.add(repo);
      if (json) await print(JSON.stringify({ repo, checks }));
      else
        await print(
          `${problems.length === 0 ? green('whole') : red('DAMAGED')}  ${repo} (${plural(checks.length, 'file')})`,
        );
      if (!json) for (const { name, problem } of problems) await print(`    ${name}: ${problem}`);
    }
    if (files === 0) note('nothing is downloaded');
    for (const repo of damaged) note(`"afterimage models pull ${repo}" fetches what is damaged again`);
    return damaged.size > 0 ? 1 : 0;
  },
});
