import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/core/embeddedPostgres.ts';
import { migrate } from '../../src/core/migrate.ts';
import { removeDatabaseOnDeath } from './process.ts';
import { hasRedisServer, startRedis } from './redis.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** May create and drop databases. */
    databaseAdminUrl: string;
    /** The name of the migrated database that tests clone. */
    databaseTemplate: string;
    /** A Redis shared by all files; none where no Redis could be found. */
    redisUrl: string | undefined;
    /** Whether `startRedis` works here. */
    hasRedisServer: boolean;
  }
}

/** Starts what all test files share, and gives it back at the end, whatever happened in between. */
export default async function globalSetup(project: TestProject): Promise<() => Promise<void>> {
  const undo: (() => Promise<unknown>)[] = [];
  const tearDown = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const adminUrl = process.env.TEST_DATABASE_URL ?? (await startPostgres(undo));
    project.provide('databaseAdminUrl', adminUrl);
    project.provide('databaseTemplate', await createTemplate(adminUrl, undo));
    project.provide('hasRedisServer', await hasRedisServer());
    project.provide('redisUrl', await findRedis(undo));
  } catch (error) {
    await tearDown();
    throw error;
  }
  return tearDown;
}

async function startPostgres(undo: (() => Promise<unknown>)[]): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'frontdesk-test-'));
  undo.push(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  const cancel = removeDatabaseOnDeath(dir);
  undo.push(async () => cancel());
  const postgres = await startEmbeddedPostgres({
    dataDir: dir,
    settings: { fsync: 'off', full_page_writes: 'off', max_connections: 300 },
  });
  undo.push(() => postgres.stop());
  return postgres.url;
}

async function createTemplate(adminUrl: string, undo: (() => Promise<unknown>)[]): Promise<string> {
  const name = `frontdesk_test_${randomBytes(4).toString('hex')}`;
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await admin.query(`create database ${name}`);
    if (process.env.TEST_DATABASE_URL) undo.push(() => dropAll(adminUrl, name));
    await migrate(url.href);
    await admin.query(`alter database ${name} allow_connections false`); // a template in use cannot be cloned
  } finally {
    await admin.end();
  }
  return name;
}

/** On a server that is not ours: the template and every clone of it, also of files that crashed. */
async function dropAll(adminUrl: string, template: string): Promise<void> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  const { rows } = await admin.query<{ datname: string }>(
    'select datname from pg_database where starts_with(datname, $1)',
    [template],
  );
  for (const { datname } of rows) await admin.query(`drop database if exists ${datname} with (force)`);
  await admin.end();
}

async function findRedis(undo: (() => Promise<unknown>)[]): Promise<string | undefined> {
  if (await hasRedisServer()) {
    const redis = await startRedis();
    undo.push(() => redis.stop());
    return redis.url;
  }
  if (process.env.REDIS_URL) return process.env.REDIS_URL;
  if (process.env.CI) throw new Error('No Redis for the tests: install redis-server or set REDIS_URL.');
  console.warn(
    'No Redis for the tests (install redis-server or set REDIS_URL): the suites that need it are skipped.',
  );
  return undefined;
}
