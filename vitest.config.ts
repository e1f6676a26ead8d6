import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Inherited by every process that tests start: a gateway is ready in two thirds of the time.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'frontdesk-compiled');

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
