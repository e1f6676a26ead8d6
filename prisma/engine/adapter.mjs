// How the schema engine reaches PostgreSQL: Prisma's own driver adapter, with what migrations need put right: the catalogue's own types,
// whole scripts, one session, and shadow databases.

import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';

// The adapter's own pg and utilities, wherever npm has put them: a pool of another copy would not be recognised.
const require = createRequire(createRequire(import.meta.url).resolve('@prisma/adapter-pg'));
const { PrismaPg } = require('@prisma/adapter-pg');
const { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } = require('@prisma/driver-adapter-utils');
const pg = require('pg');

// The catalogue's one-byte type "char", which the adapter refuses, and char(n), which it passes on.
const CATALOGUE_CHAR = 18;
const CHAR = 1042;

/** The schema that a connection string names, as Prisma writes it (`?schema=sales`). */
export function schemaOf(url) {
  return new URL(url).searchParams.get('schema') ?? 'public';
}

/** The database that a connection string names. */
export function databaseOf(url) {
  return decodeURIComponent(new URL(url).pathname.slice(1)) || 'postgres';
}

/** The same server, another database. */
export function withDatabase(url, database) {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(database)}`;
  return other.href;
}

/** A name as SQL reads it. */
export function quote(name) {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Settings of a connection: `?schema=` is Prisma's and means a search path. */
export function connection(url) {
  const schema = schemaOf(url);
  return {
    connectionString: url,
    ...(schema === 'public' ? {} : { options: `-c search_path=${quote(schema)}` }),
  };
}

/** A failed connection as Prisma names it, so that the command line knows when to offer to create the database. */
export function connectionError(url, error) {
  const { hostname, port, username } = new URL(url);
  const database = databaseOf(url);
  const server = `${hostname || 'localhost'}:${port || 5432}`;
  switch (error.code) {
    case '28P01':
      return {
        code: 'P1000',
        message: `The database server at ${server} does not accept the password of "${username}".`,
      };
    case '3D000':
      return {
        code: 'P1003',
        message: `Database "${database}" does not exist on the database server at ${server}.`,
      };
    case '42P04':
      return {
        code: 'P1009',
        message: `Database "${database}" already exists on the database server at ${server}.`,
      };
    case '28000':
    case '42501':
      return {
        code: 'P1010',
        message: `User "${username}" was denied access on the database "${database}": ${error.message}`,
      };
    default:
      if (
        ['ECONNREFUSED', 'ENOTFOUND', 'ENOENT', 'ETIMEDOUT', 'EHOSTUNREACH', 'EAI_AGAIN'].includes(error.code)
      ) {
        return { code: 'P1001', message: `Can't reach the database server at ${server}.` };
      }
      return { code: '', message: `${server}: ${error.message}` };
  }
}

/** What the server said about a script, and at which line. */
export function describeScriptError(script, error) {
  const said = ['message', 'detail', 'hint']
    .filter((key) => error[key])
    .map((key) => (key === 'message' ? error[key] : `${key}: ${error[key]}`));
  if (error.position) {
    // Positions count characters, JavaScript counts UTF-16 units.
    const before = [...script].slice(0, Number(error.position) - 1).join('');
    const line = before.split('\n').length;
    said.push(`at line ${line}: ${script.split('\n')[line - 1].trim()}`);
  }
  return said.join('\n');
}

/** Runs some work on one connection to a database of the server that may not be the one named in the URL. */
export async function onServer(url, databases, work) {
  for (const [index, database] of databases.entries()) {
    const client = new pg.Client({ connectionString: withDatabase(url, database) });
    client.on('error', () => {});
    try {
      await client.connect();
    } catch (error) {
      if (error.code === '3D000' && index + 1 < databases.length) continue;
      throw error;
    }
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }
}

/**
 * The adapter factory that the engine is given, and `dropShadows`, which drops what a failed command left behind.
 * `url` may be undefined: comparing files needs no database. The engine passes on little of what went wrong, so
 * `onConnectError` and `onScriptError` say it.
 */
export function adapterFactory({ url, shadowDatabaseUrl, offline, onConnectError, onScriptError }) {
  const shadows = new Set();

  async function open(target, release = async () => {}) {
    // One connection that never idles out: the engine's advisory lock and search path belong to a session.
    const pool = new pg.Pool({ ...connection(target), max: 1, idleTimeoutMillis: 0 });
    const adapter = await new PrismaPg(pool, { schema: schemaOf(target) }).connect();

    const charColumns = new WeakMap();
    const query = pool.query.bind(pool);
    pool.query = async (...args) => {
      const result = await query(...args);
      const columns = (result.fields ?? []).filter((field) => field.dataTypeID === CATALOGUE_CHAR);
      for (const field of columns) field.dataTypeID = CHAR;
      const indexes = columns.map((field) => result.fields.indexOf(field));
      if (indexes.length > 0) charColumns.set(result.rows, indexes);
      return result;
    };
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (statement) => {
      const result = await queryRaw(statement);
      // The engine panics on a "char" that comes as text, once a table has an exclusion constraint.
      const columns = charColumns.get(result.rows) ?? [];
      for (const column of columns) result.columnTypes[column] = ColumnTypeEnum.Character;
      return result;
    };
    // The adapter splits a script at every `;`, also within $$ ... $$. The server can read it whole, and then
    // runs it as one transaction, as Prisma's native engine does.
    adapter.executeScript = async (script) => {
      try {
        await pool.query(script);
      } catch (error) {
        onScriptError(script, error);
        adapter.onError(error);
      }
    };
    let released = false;
    adapter.dispose = async () => {
      if (released) return;
      released = true;
      await pool.end();
      await release();
    };
    return adapter;
  }

  async function openShadow() {
    if (shadowDatabaseUrl) {
      // It is emptied. One server has many addresses, so only a name of its own tells it from the real one.
      if (url && databaseOf(shadowDatabaseUrl) === databaseOf(url)) {
        throw new Error(
          'The database of SHADOW_DATABASE_URL must have another name than that of DATABASE_URL.',
        );
      }
      const schema = quote(schemaOf(shadowDatabaseUrl));
      await onServer(shadowDatabaseUrl, [databaseOf(shadowDatabaseUrl)], (client) =>
        client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE; CREATE SCHEMA ${schema}`),
      );
      return open(shadowDatabaseUrl);
    }
    if (!url) {
      throw new Error(
        'Set DATABASE_URL: this command replays the migrations in a shadow database on that server.',
      );
    }

    const database = `prisma_migrate_shadow_db_${randomUUID()}`;
    const from = [databaseOf(url), 'postgres', 'template1'];
    // template0: nobody can be connected to it, and what someone put into template1 would hide a missing statement.
    await onServer(url, from, (client) =>
      client.query(`CREATE DATABASE ${quote(database)} TEMPLATE template0`),
    ).catch((error) => {
      throw new Error(
        `Could not create a shadow database to replay the migrations in: ${connectionError(url, error).message}`,
      );
    });
    const drop = () =>
      onServer(url, from, (client) =>
        client.query(`DROP DATABASE IF EXISTS ${quote(database)} WITH (FORCE)`),
      );
    shadows.add(drop);
    return open(withDatabase(url, database), async () => {
      await drop();
      shadows.delete(drop);
    });
  }

  const reported = (connect) => () =>
    connect().catch((error) => {
      onConnectError(error);
      throw error;
    });
  const factory = {
    provider: 'postgres',
    adapterName: '@prisma/adapter-pg',
    connect: reported(async () => {
      if (offline) return noDatabase();
      if (!url) throw new Error('Set DATABASE_URL: this command needs a database.');
      return open(url);
    }),
    connectToShadowDb: reported(openShadow),
  };
  return {
    factory: bindMigrationAwareSqlAdapterFactory(factory),
    dropShadows: async () => {
      for (const drop of shadows) {
        shadows.delete(drop);
        await drop();
      }
    },
  };
}

// The engine asks every adapter for the server's version before it does anything, even to compare two files.
function noDatabase() {
  const refuse = async () => {
    throw new Error('This command needs no database, and yet the engine asked for one.');
  };
  return {
    provider: 'postgres',
    adapterName: '@prisma/adapter-pg',
    queryRaw: async ({ sql }) =>
      sql.includes('server_version_num')
        ? {
            columnNames: ['exists', 'version', 'numeric_version'],
            columnTypes: [ColumnTypeEnum.Boolean, ColumnTypeEnum.Text, ColumnTypeEnum.Int32],
            rows: [[true, 'PostgreSQL 18.0', 180000]],
          }
        : refuse(),
    executeRaw: refuse,
    executeScript: refuse,
    startTransaction: refuse,
    getConnectionInfo: () => ({ schemaName: 'public', supportsRelationJoins: true }),
    dispose: async () => {},
  };
}
