/** @file What about a data set may spoil the result of training on it, a sentence each. */
import type { DataReport } from './check-report.js';
import { counted, firstFew } from './dataset-text.js';
import type { DataSet, Part } from './types.js';

/** Beyond this many times the smallest class, the largest is worth a word. */
const IMBALANCE = 10;

/** The warnings that a report gives rise to. `partsOf` says in which parts each item occurs. */
export function warningsFrom(
  report: Omit<DataReport, 'warnings'>,
  set: DataSet,
  partsOf: readonly Part[][],
  inputSize: { width: number; height: number } | undefined,
): string[] {
  const { unreadable, small, imbalance } = report;
  const warnings: string[] = [];
  if (unreadable.length > 0)
    warnings.push(`${counted(unreadable.length, 'image', 'is', 'are')} unreadable and left out`);
  warnings.push(...duplicateWarnings(report));
  const shared = partsOf.filter(({ length }) => length > 1).length;
  if (shared > 0)
    warnings.push(
      `${counted(shared, 'image', 'is', 'are')} in rows of more than one part; a split by group keeps them apart`,
    );
  const groups = groupsAcross(set, partsOf);
  if (groups.length > 0)
    warnings.push(
      `${counted(groups.length, 'group', 'is', 'are')} in more than one part: ${firstFew(groups)}`,
    );
  if (set.labels) warnings.push(...classWarnings(report));
  if (imbalance !== null && imbalance > IMBALANCE)
    warnings.push(
      `the largest class has ${imbalance.toFixed(0)} times as many training images as the smallest`,
    );
  if (small.length > 0 && inputSize)
    warnings.push(
      `${counted(small.length, 'image', 'is', 'are')} smaller than ${inputSize.width} × ${inputSize.height} and will be enlarged: ${firstFew(small, 3)}`,
    );
  return warnings;
}

function* duplicateWarnings({ duplicates }: Pick<DataReport, 'duplicates'>): Generator<string> {
  const ids = (some: DataReport['duplicates']): string =>
    firstFew(
      some.map((d) => d.ids.join(' = ')),
      3,
    );
  const across = duplicates.filter(({ parts }) => parts.length > 1);
  if (across.length > 0)
    yield `${counted(across.length, 'image', 'has', 'have')} copies in more than one part, which makes the measured quality too good: ${ids(across)}`;
  const within = duplicates.filter(({ parts }) => parts.length <= 1);
  if (within.length > 0)
    yield `${counted(within.length, 'image', 'has', 'have')} copies in the same part: ${ids(within)}`;
  const torn = duplicates.filter(({ labels }) => labels.length > 1);
  if (torn.length > 0)
    yield `${counted(torn.length, 'image', 'has', 'have')} copies in different classes: ` +
      firstFew(
        torn.map((d) => `${d.ids.join(' = ')} (${d.labels.join(', ')})`),
        3,
      );
}

function* classWarnings({ classes, parts }: Pick<DataReport, 'classes' | 'parts'>): Generator<string> {
  const names = (some: DataReport['classes']): string => firstFew(some.map(({ name }) => name));
  for (const [part, word] of [
    ['train', 'training'],
    ['validation', 'validation'],
  ] as const) {
    const single = classes.filter((c) => c[part] === 1);
    if (single.length > 0)
      yield `${counted(single.length, 'class', 'has', 'have')} a single ${word} image: ${names(single)}`;
  }
  const classesAreHeldOut = classes.every((c) => c.train === 0 || c.validation === 0);
  const unseen = classes.filter((c) => c.train > 0 && c.validation === 0);
  if (parts.validation > 0 && !classesAreHeldOut && unseen.length > 0)
    yield `${counted(unseen.length, 'class', 'has', 'have')} no validation image: ${names(unseen)}`;
}

function groupsAcross(set: DataSet, partsOf: readonly Part[][]): string[] {
  const parts = new Map<string, Set<Part>>();
  for (const [i, { group }] of set.items.entries()) {
    if (group === undefined) continue;
    const known = parts.get(group) ?? new Set();
    for (const part of partsOf[i]!) known.add(part);
    parts.set(group, known);
  }
  return [...parts].filter(([, { size }]) => size > 1).map(([group]) => group);
}
