/** @file Which of a collection's spaces answers a query. */
import { assertSameIdentity, type EmbeddingIdentity, sameIdentity } from '../embedding/identity.js';
import { UsageError } from '../errors.js';
import type { Collection } from './collection.js';
import type { Space } from './manifest.js';
import type { Query } from './query.js';

/**
 * Chooses the space for a query: that of `model` where one is named, that of the vectors' identity where one is
 * given; else the one that answers, unless the query has a text and it shares no space with texts: then the newest
 * that does.
 * @throws UsageError when there is none, IdentityError when a vector has another identity than the space.
 */
export function spaceFor(collection: Collection, query: Query, model?: string): Space {
  const identities = query.flatMap((term) => ('vector' in term && term.identity ? [term.identity] : []));
  const space = model === undefined ? unnamed(collection, query, identities) : collection.space(model);
  for (const identity of identities)
    assertSameIdentity(space.identity, identity, `the space of ${space.identity.model}`);
  return space;
}

function unnamed(collection: Collection, query: Query, [identity]: readonly EmbeddingIdentity[]): Space {
  const current = collection.space();
  if (identity) return collection.spaces.find((space) => sameIdentity(space.identity, identity)) ?? current;
  const term = query.find((term) => 'text' in term);
  if (!term || mayHaveText(current)) return current;
  const able = collection.spaces.filter(mayHaveText);
  const space = able.findLast(({ state }) => state === 'ready') ?? able.at(-1);
  if (space) return space;
  if (current.identity.output === 'projection') return current; // opening its embedder says what is missing
  const models = collection.spaces.map(({ identity: { model, output } }) => `${model} (${output})`);
  throw new UsageError(
    `the text "${term.text}" has no vector here: texts share no space with those of ${models.join(', ')}`,
    {
      hint: '"afterimage index --model NAME" adds vectors of a model for texts and images, such as mini-clip',
    },
  );
}

/** Whether texts can have vectors in a space, as far as its record tells. */
function mayHaveText({ embedder, identity }: Space): boolean {
  return embedder !== null && identity.output === 'projection';
}
