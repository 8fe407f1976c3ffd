import { defineConfig } from 'vitest/config';

// Tests import the built package through "#src/*" (dist/): what is tested is what ships, worker threads included.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
});
