import { describe, expect, it } from 'vitest';
import {
  assertSameIdentity,
  canonicalJson,
  type EmbeddingIdentity,
  identityKey,
  parseIdentity,
  sameIdentity,
  sha256,
  transformHash,
} from '#src/embedding/identity.js';
import { IdentityError } from '#src/errors.js';

const identity: EmbeddingIdentity = {
  model: 'clip-vit-b32',
  revision: 'abc123',
  weights: 'a'.repeat(64),
  dtype: 'fp32',
  transform: 'b'.repeat(64),
  output: 'projection',
  normalized: true,
  dimension: 512,
};

describe('canonicalJson', () => {
  it('sorts keys at every depth and leaves out what is undefined', () => {
    expect(canonicalJson({ b: [1, { z: null, a: 'é"' }], a: -0.5, c: undefined })).toBe(
      '{"a":-0.5,"b":[1,{"a":"é\\"","z":null}]}',
    );
    expect(canonicalJson({ '10': 1, '9': 2, A: 3 })).toBe('{"10":1,"9":2,"A":3}');
  });

  it('refuses what JSON would change', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, [undefined], 1n, () => 1]) {
      expect(() => canonicalJson({ bad })).toThrow(TypeError);
    }
  });
});

describe('hashes', () => {
  it('are SHA-256 of the canonical text', () => {
    // printf '{"a":1,"b":[true,null]}' | sha256sum
    const expected = '1cc69c7fa23616ca2ec3ee70d24390a6225c8832db8a4c814c7e0e7f942f8668';
    expect(transformHash({ b: [true, null], a: 1 })).toBe(sha256('{"a":1,"b":[true,null]}'));
    expect(sha256('{"a":1,"b":[true,null]}')).toBe(expected);
    expect(sha256(new Uint8Array([97, 98, 99]))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('name identities by their fields alone', () => {
    const shuffled = Object.fromEntries(Object.entries(identity).reverse()) as unknown as EmbeddingIdentity;
    expect(identityKey(identity)).toMatch(/^[0-9a-f]{16}$/);
    expect(identityKey({ ...shuffled, extra: 1 } as EmbeddingIdentity)).toBe(identityKey(identity));
    const changes: Partial<EmbeddingIdentity>[] = [
      { model: 'x' },
      { revision: null },
      { weights: 'c'.repeat(64) },
      { dtype: 'int8' },
      { transform: null },
      { output: 'cls' },
      { normalized: false },
      { dimension: 513 },
    ];
    const keys = new Set(changes.map((change) => identityKey({ ...identity, ...change })));
    expect(keys.add(identityKey(identity)).size).toBe(9);
    for (const change of changes) expect(sameIdentity(identity, { ...identity, ...change })).toBe(false);
    expect(sameIdentity(identity, { ...identity })).toBe(true);
  });
});

describe('assertSameIdentity', () => {
  it('lists exactly the fields that differ', () => {
    expect(() => assertSameIdentity(identity, { ...identity }, 'here')).not.toThrow();
    const other = { ...identity, dtype: 'fp16' as const, weights: 'c'.repeat(64), revision: null };
    const check = () => assertSameIdentity(identity, other, 'vectors.npy');
    expect(check).toThrow(IdentityError);
    expect(check).toThrow(
      /^vectors.npy holds vectors of another origin: revision abc123 there, null here; weights a{12}… there, c{12}… here; dtype fp32 there, fp16 here$/,
    );
  });
});

describe('parseIdentity', () => {
  it('reads back what JSON kept, and nothing else', () => {
    expect(parseIdentity(JSON.parse(JSON.stringify({ ...identity, later: 1 })))).toEqual(identity);
    for (const broken of [null, [], {}, { ...identity, dimension: 0 }, { ...identity, dtype: 'fp8' }]) {
      expect(parseIdentity(broken)).toBeUndefined();
    }
  });
});
