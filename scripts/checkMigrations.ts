// Holds prisma/migrations and prisma/schema.prisma together: node scripts/checkMigrations.ts [root]
//
// Replays the migrations in a shadow database, on the server of DATABASE_URL or else on an embedded one, and prints the
// SQL that would bring the result to the schema. What Prisma cannot see (exclusion and check constraints, triggers,
// functions, partial and expression indexes, partitions) is not compared: tests of the model hold that.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { startEmbeddedPostgres } from '../src/core/embeddedPostgres.ts';

const repository = resolve(import.meta.dirname, '..');
const root = resolve(process.argv[2] ?? repository);

const given = process.env.DATABASE_URL;
const { code, stdout, stderr } = given ? await diff(given) : await onEmbeddedPostgres(diff);

// Prisma ends with success when its engine dies without a word, so nothing is not enough.
const same = code === 0 && stdout.includes('This is an empty migration.');
if (same) {
  console.log('Migrations: they and the schema agree.');
} else if (code === 2) {
  console.error('Migrations: they and the schema differ. A migration is missing that does this:\n');
  console.error(stdout.trim());
} else {
  console.error(`Migrations: they could not be compared.\n${stderr.trim()}`);
}
process.exitCode = same ? 0 : 1;

function diff(databaseUrl: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const prisma = join(repository, 'node_modules/prisma/build/index.js');
  const from = ['--from-migrations', join(root, 'prisma/migrations')];
  const to = ['--to-schema', join(root, 'prisma/schema.prisma')];
  const env = {
    ...process.env,
    DATABASE_URL: databaseUrl,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
    CHECKPOINT_DISABLE: '1', // it asks for newer versions otherwise
  };
  return new Promise((done) => {
    const args = [prisma, 'migrate', 'diff', ...from, ...to, '--script', '--exit-code'];
    const child = execFile(process.execPath, args, { cwd: repository, env }, (_, stdout, stderr) =>
      done({ code: child.exitCode, stdout, stderr }),
    );
  });
}

async function onEmbeddedPostgres<T>(work: (databaseUrl: string) => Promise<T>): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), 'frontdesk-migrations-'));
  try {
    const postgres = await startEmbeddedPostgres({ dataDir, settings: { fsync: 'off' } });
    try {
      return await work(postgres.url);
    } finally {
      await postgres.stop();
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}
