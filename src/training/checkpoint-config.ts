/**
 * @file What makes two configurations the same: a run goes on only with the one that it was begun with.
 */
import { createHash } from 'node:crypto';
import { UsageError } from '../errors.js';

/** A run's options as plain JSON; what is undefined is as good as absent. */
export type Config = Readonly<Record<string, unknown>>;

/** sha256 (hex) of a configuration; the order of its keys does not matter. */
export function configHash(config: Config): string {
  return createHash('sha256')
    .update(JSON.stringify(ordered(config)))
    .digest('hex');
}

/**
 * Throws unless two configurations are the same.
 * @param saved the one in the checkpoint `file`.
 * @throws UsageError that names every option that differs, with both values.
 */
export function requireSameConfig(saved: Config, current: Config, file: string): void {
  if (configHash(saved) === configHash(current)) return;
  const before = options(saved);
  const now = options(current);
  const names = [...new Set([...before.keys(), ...now.keys()])].sort();
  const differing = names
    .filter((name) => before.get(name) !== now.get(name))
    .map((name) => `${name} (${before.get(name) ?? 'not set'} then, ${now.get(name) ?? 'not set'} now)`);
  throw new UsageError(`${file}: the run was begun with other options: ${differing.join(', ')}`, {
    hint: 'resume with the options it was begun with, or start a new run in another folder',
  });
}

/** Every option as JSON by its dotted name; lists are single values. */
function options(value: unknown, name = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const json = JSON.stringify(ordered(value));
    return new Map(json === undefined ? [] : [[name, json]]);
  }
  const all = Object.entries(value).flatMap(([key, item]) => [
    ...options(item, name ? `${name}.${key}` : key),
  ]);
  return new Map(all.length > 0 ? all : [[name, '{}']]);
}

/** The same value with the keys of its objects sorted. */
function ordered(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(ordered);
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, ordered((value as Config)[key])]));
}
