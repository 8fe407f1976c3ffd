// A section that is measured in parts, each in a file of its own: `npm run bench -- analysis.kmeans` runs one of them, and
// leaves what RESULTS.md says of the others as it is.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { here, inTurn, python, table } from './lib.mjs';

const data = path.join(process.env.AFTERIMAGE_DATA ?? path.join(here, '..', '..', 'shared'), 'data');

/** A peer's package that is not installed is no failure. */
function withoutPackage(error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  return { skipped: error.message.split('\n')[0] };
}

/**
 * What runs the parts of a section: `run(names)` gives the text of each by its name, or why it was skipped.
 * @param parts for each part its file in the section's folder, and its function
 */
export function inParts(section, parts) {
  return async (chosen) => {
    const names = chosen.length > 0 ? chosen : Object.keys(parts);
    const unknown = names.find((name) => !(name in parts));
    if (unknown)
      throw new Error(`no such part of ${section}: ${unknown}; there are ${Object.keys(parts).join(', ')}`);
    const done = await inTurn(names, async (name) => {
      const [file, work] = parts[name];
      const script = path.join(here, section, `${file}.mjs`);
      if (!existsSync(script)) return [name, { skipped: `there is no ${script}` }];
      const log = (line) => console.error(line);
      const part = await (await import(script))[work]({ data, python, log }).catch(withoutPackage);
      return [name, part.skipped ? part : { text: `${table(part.head, part.rows)}\n\n${part.note}` }];
    });
    return Object.fromEntries(done);
  };
}
