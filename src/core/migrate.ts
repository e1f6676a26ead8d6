import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type DatabaseError, escapeIdentifier, escapeLiteral } from 'pg';

/** Prisma's own number, so that `prisma migrate deploy` and a starting server wait for each other. */
const LOCK = 72_707_369;

/** An index may take as long as it takes, and the lock of a killed process goes after two seconds. */
const SESSION = '-c statement_timeout=0 -c client_connection_check_interval=2s';

/** Beside these words PostgreSQL suffers no other statement in the same transaction. */
const NOT_IN_A_TRANSACTION = /\b(concurrently|vacuum)\b/i;

/** The database cannot be brought to the state of this code; the message says why and what to do. */
export class MigrationError extends Error {
  override name = 'MigrationError';
}

export interface MigrateOptions {
  /** Where the migrations are; `prisma/migrations` of this repository unless told. */
  directory?: string;
  log?: (line: string) => void;
}

interface Migration {
  name: string;
  script: string;
}

interface Applied {
  name: string;
  checksum: string;
  finished: boolean;
  logs: string | null;
}

/**
 * Applies the migrations that are missing, in the order of their names, and returns their names. Any number of
 * processes may do so at once: one works, the others wait and find nothing left. The record in `_prisma_migrations` is
 * the one that Prisma's command line keeps.
 *
 * A migration and its record are one transaction, so a process that is killed leaves nothing half done. Throws a
 * `MigrationError` when a script fails, when an earlier one failed and nobody has looked, when an applied script was
 * changed since, and when the database was migrated by newer code.
 */
export async function migrate(databaseUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  const log = options.log ?? (() => {});
  const migrations = await readMigrations(
    options.directory ?? join(import.meta.dirname, '../../prisma/migrations'),
  );
  const client = new Client({
    connectionString: databaseUrl,
    application_name: 'frontdesk',
    options: SESSION,
  });
  client.on('error', () => {}); // a lost connection also fails the query that waits for it
  await client.connect();
  try {
    await lock(client, log);
    const table = await migrationsTable(client);
    const missing = await findMissing(client, table, migrations);
    for (const migration of missing) {
      const start = performance.now();
      await apply(client, table, migration);
      log(`applied migration ${migration.name} in ${Math.round(performance.now() - start)} ms`);
    }
    return missing.map(({ name }) => name);
  } finally {
    await client.end(); // gives the lock back too
  }
}

async function readMigrations(directory: string): Promise<Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const read = async (name: string) => ({
    name,
    script: await readFile(join(directory, name, 'migration.sql'), 'utf8'),
  });
  return Promise.all(names.sort().map(read));
}

/** Asks again and again: who waits inside a statement holds a snapshot, and CREATE INDEX CONCURRENTLY waits for that. */
async function lock(client: Client, log: (line: string) => void): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [
      LOCK,
    ]);
    if (rows[0]!.locked) return;
    if (attempt === 0) log('another process is migrating the database: waiting for it');
    await sleep(100);
  }
}

/** Its full name, because a script may leave another search path behind. Made as Prisma makes it where it is missing. */
async function migrationsTable(client: Client): Promise<string> {
  const { rows } = await client.query<{ schema: string; exists: boolean }>(
    `select current_schema() as schema, to_regclass(format('%I._prisma_migrations', current_schema())) is not null as exists`,
  );
  const table = `${escapeIdentifier(rows[0]!.schema)}._prisma_migrations`;
  if (!rows[0]!.exists) {
    await client.query(`
      create table ${table} (
        id varchar(36) primary key not null,
        checksum varchar(64) not null,
        finished_at timestamptz,
        migration_name varchar(255) not null,
        logs text,
        rolled_back_at timestamptz,
        started_at timestamptz not null default now(),
        applied_steps_count integer not null default 0
      )`);
  }
  return table;
}

async function findMissing(client: Client, table: string, migrations: Migration[]): Promise<Migration[]> {
  const { rows: applied } = await client.query<Applied>(
    `select migration_name as name, checksum, finished_at is not null as finished, logs
     from ${table} where rolled_back_at is null order by started_at, name`,
  );
  const known = new Map(migrations.map((migration) => [migration.name, migration]));

  const foreign = applied.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  if (foreign.length > 0) {
    throw new MigrationError(
      `The database was migrated by a newer version of Frontdesk: this one does not know ${foreign.join(', ')}. Start that version.`,
    );
  }
  const failed = applied.find(({ finished }) => !finished);
  if (failed) {
    throw new MigrationError(
      `Migration ${failed.name} failed before${failed.logs ? ` (${failed.logs.trim()})` : ''}. Once its cause is gone, ` +
        `run \`prisma migrate resolve --rolled-back ${failed.name}\`, or in the database: update ${table} set rolled_back_at ` +
        `= now() where migration_name = ${escapeLiteral(failed.name)} and finished_at is null`,
    );
  }
  const changed = applied.find(
    ({ name, checksum }) => !checksums(known.get(name)!.script).includes(checksum),
  );
  if (changed) {
    throw new MigrationError(
      `Migration ${changed.name} was changed after it had been applied to this database. Put it back as it was, and write a new one.`,
    );
  }
  const done = new Set(applied.map(({ name }) => name));
  return migrations.filter(({ name }) => !done.has(name));
}

async function apply(client: Client, table: string, migration: Migration): Promise<void> {
  const { name, script } = migration;
  const checksum = checksums(script)[0]!;
  const record = `
    insert into ${table} (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
    values ('${randomUUID()}', '${checksum}', ${escapeLiteral(name)}, now(), clock_timestamp(), 1)`;
  try {
    // Several statements in one message are one transaction, and the server, not we, finds where each of them ends.
    if (NOT_IN_A_TRANSACTION.test(script)) {
      await client.query(script);
      await client.query(record);
    } else {
      await client.query(`${script}\n;${record}`);
    }
    await client.query('reset all');
  } catch (error) {
    const reason = explain(error as DatabaseError, script);
    await client.query('rollback').catch(() => {}); // of a script that began a transaction itself
    await client
      .query(`insert into ${table} (id, checksum, migration_name, logs) values ($1, $2, $3, $4)`, [
        randomUUID(),
        checksum,
        name,
        reason,
      ])
      .catch(() => {}); // the connection is gone, and then the script is too
    throw new MigrationError(`Migration ${name} failed: ${reason}`, { cause: error });
  }
}

/** What the server said, and at which line of the script. */
function explain(error: DatabaseError, script: string): string {
  const parts = [`${error.message}${error.code ? ` (${error.code})` : ''}`, error.detail, error.hint];
  if (error.position) {
    // A position counts characters, a string's length UTF-16 units.
    const line = [...script]
      .slice(0, Number(error.position) - 1)
      .join('')
      .split('\n').length;
    parts.push(`line ${line}: ${script.split('\n')[line - 1]?.trim()}`);
  }
  return parts.filter(Boolean).join('; ');
}

/** As Prisma, which forgives git for changing line ends: the script's own first, then with either end. */
function checksums(script: string): string[] {
  const unix = script.replaceAll('\r\n', '\n');
  return [script, unix, unix.replaceAll('\n', '\r\n')].map((text) =>
    createHash('sha256').update(text).digest('hex'),
  );
}
