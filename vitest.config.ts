import { defineConfig } from 'vitest/config';

export default defineConfig({
  // graphql comes as ESM and as CommonJS: load the one that Node loads for its plugins, or no type is an instance of itself.
  ssr: { resolve: { conditions: ['module-sync', 'node'] } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/globalSetup.ts'],
    pool: 'forks', // tests send signals, and some change process.env
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
  },
});
