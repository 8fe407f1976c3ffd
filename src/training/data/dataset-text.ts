/** @file Wording that the data set's errors and warnings share. */

/** `1 image`, `3 images`; words in -s and -x get -es. */
export function plural(count: number, word: string): string {
  return count === 1 ? `1 ${word}` : `${count} ${word}${/[sx]$/.test(word) ? 'es' : 's'}`;
}

/** The first of some names, and how many there are besides. */
export function firstFew(names: readonly string[], shown = 5): string {
  const few = names.slice(0, shown).join(', ');
  return names.length > shown ? `${few} and ${names.length - shown} more` : few;
}

/** `1 image is`, `3 images are`. */
export function counted(count: number, word: string, one: string, many: string): string {
  return `${plural(count, word)} ${count === 1 ? one : many}`;
}
