import { fileURLToPath } from 'node:url';
import { defineConfig } from 'prisma/config';

// Prisma wants to download its schema engine. This script does the same work with packages from npm, and naming it
// stops the download. Whoever has the native engine may name that instead.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= fileURLToPath(
  new URL('prisma/engine/schema-engine.mjs', import.meta.url),
);

// Neither is there when `prisma generate` runs after an install. Without a shadow database the engine makes one.
const { DATABASE_URL: url, SHADOW_DATABASE_URL: shadowDatabaseUrl } = process.env;

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(url ? { datasource: { url, ...(shadowDatabaseUrl ? { shadowDatabaseUrl } : {}) } } : {}),
});
