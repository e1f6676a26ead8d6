import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { MigrationError, migrate } from '../../src/core/migrate.ts';
import { plantTree } from '../support/plantTree.ts';
import { startProcess, stopProcesses } from '../support/process.ts';

const first = '20260101000000_first';
const second = '20260102000000_second';
const made: string[] = [];
let url: string;

beforeEach(async () => {
  url = await emptyDatabase();
});

afterAll(async () => {
  await stopProcesses();
  for (const name of made)
    await ask(inject('databaseAdminUrl'), `drop database if exists ${name} with (force)`);
});

describe('A database that is behind', () => {
  test('gets the missing migrations in the order of their names, and only once', async () => {
    using tree = plant({ [second]: 'alter table a add column b int;', [first]: 'create table a (id int);' });
    const lines: string[] = [];
    expect(await migrate(url, { ...tree, log: (line) => lines.push(line) })).toEqual([first, second]);
    expect(lines).toEqual(
      [first, second].map((name) => expect.stringContaining(`applied migration ${name} in`)),
    );
    expect(await migrate(url, tree)).toEqual([]);

    using longer = plant({
      [first]: 'create table a (id int);',
      [second]: 'alter table a add column b int;',
      '20260103000000_third': 'select 1',
    });
    expect(await migrate(url, longer)).toEqual(['20260103000000_third']);
  });

  test('gets every migration of this repository', async () => {
    expect(await migrate(url)).not.toEqual([]);
    expect(await ask(url, 'select count(*) from customer')).toBe('0');
  });

  test('gets a script whole: a body between dollars, a comment at its end, a search path that it leaves behind', async () => {
    using tree = plant({
      [first]: `create function one() returns int language plpgsql as $$ begin perform 1; return 1; end; $$;
        set search_path = ''; -- no line end`,
      [second]: 'create table a (id int)',
    });
    expect(await migrate(url, tree)).toEqual([first, second]);
    expect(await ask(url, 'select one()')).toBe(1);
    expect(await ask(url, 'select count(*) from public.a')).toBe('0');
  });

  test('is migrated by one process, while the others wait and find nothing left', async () => {
    using tree = plant({
      [first]: 'create table a (id int); select pg_sleep(0.5);',
      [second]: 'create index concurrently a_id on a (id)',
    });
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(url, tree)));
    expect(applied.flat()).toEqual([first, second]);
    expect(await ask(url, 'select count(*) from _prisma_migrations')).toBe('2');
  });

  test('is not left half migrated by a process that is killed', async () => {
    using slow = plant({ [first]: 'create table a (id int); select pg_sleep(60);' });
    const script = `import { migrate } from ${JSON.stringify(resolve('src/core/migrate.ts'))};
      await migrate(${JSON.stringify(url)}, ${JSON.stringify(slow)});`;
    const sleeping = `select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`;
    const migrating = await startProcess('node', ['--input-type=module-typescript', '-e', script], {
      until: async () => (await ask(url, sleeping)) === '1',
    });
    migrating.kill('SIGKILL');

    using quick = plant({ [first]: 'create table a (id int);' });
    expect(await migrate(url, quick)).toEqual([first]);
  });
});

describe('A script that fails', () => {
  const broken = {
    [first]: 'create table a (id int);\n-- é 🙂\ninsert into a (id)\n  values (nope);',
    [second]: 'select 1',
  };

  test('is named with what the database said and where, and leaves nothing behind', async () => {
    using tree = plant(broken);
    await expect(migrate(url, tree)).rejects.toThrow(
      `Migration ${first} failed: column "nope" does not exist (42703); line 4: values (nope);`,
    );
    expect(await ask(url, `select to_regclass('a')`)).toBeNull();
  });

  test('stops every later start until somebody has looked', async () => {
    using tree = plant(broken);
    await migrate(url, tree).catch(() => {});
    using mended = plant({ ...broken, [first]: 'create table a (id int);' });
    const refusal = await migrate(url, mended).catch((error: Error) => error);
    expect(refusal).toBeInstanceOf(MigrationError);
    expect(String(refusal)).toContain(
      `Migration ${first} failed before (column "nope" does not exist (42703)`,
    );

    // The sentence holds the statement that resolves it, for machines without Prisma's command line.
    await ask(url, /update .*$/.exec(String(refusal))![0]);
    expect(await migrate(url, mended)).toEqual([first, second]);
  });

  test('may hold a transaction of its own', async () => {
    using tree = plant({ [first]: 'begin; create table a (id int); insert into a values (nope); commit;' });
    await expect(migrate(url, tree)).rejects.toThrow('column "nope" does not exist');
    expect(await ask(url, `select logs from _prisma_migrations where migration_name = '${first}'`)).toContain(
      'nope',
    );
  });
});

describe('A database that does not fit the code', () => {
  test('is refused when an applied migration was changed, though not for its line ends', async () => {
    using tree = plant({ [first]: 'create table a (id int);\nselect 1;\n' });
    await migrate(url, tree);
    const path = join(tree.directory, first, 'migration.sql');
    writeFileSync(path, 'create table a (id int);\r\nselect 1;\r\n');
    expect(await migrate(url, tree)).toEqual([]);
    writeFileSync(path, 'create table a (id bigint);\nselect 1;\n');
    await expect(migrate(url, tree)).rejects.toThrow(
      `Migration ${first} was changed after it had been applied`,
    );
  });

  test('is refused when newer code migrated it', async () => {
    using newer = plant({ [first]: 'select 1', [second]: 'select 2' });
    await migrate(url, newer);
    using older = plant({ [first]: 'select 1' });
    await expect(migrate(url, older)).rejects.toThrow(
      `newer version of Frontdesk: this one does not know ${second}`,
    );
  });

  test('is not touched when a migration has no script', async () => {
    using tree = plantTree({ [`prisma/migrations/${first}/notes.txt`]: '' });
    await expect(migrate(url, { directory: join(tree.root, 'prisma/migrations') })).rejects.toThrow(
      'migration.sql',
    );
    expect(await ask(url, `select to_regclass('_prisma_migrations')`)).toBeNull();
  });
});

describe("Prisma's command line", () => {
  test('finds nothing to do after a start', async () => {
    using tree = plant({ [first]: 'create table a (id int);', [second]: 'select 1' });
    await migrate(url, tree);
    expect(prisma(tree.root, 'status')).toMatchObject({
      ok: true,
      text: expect.stringContaining('schema is up to date'),
    });
    expect(prisma(tree.root, 'deploy')).toMatchObject({
      ok: true,
      text: expect.stringContaining('No pending migrations'),
    });
  });

  test('leaves nothing to do for a start', async () => {
    using tree = plant({ [first]: 'create table a (id int); do $$ begin perform 1; end; $$;' });
    expect(prisma(tree.root, 'deploy')).toMatchObject({ ok: true, text: expect.stringContaining(first) });
    expect(await migrate(url, tree)).toEqual([]);
  });

  test('reports the failure of a start and resolves it', async () => {
    using tree = plant({ [first]: 'select nope' });
    await migrate(url, tree).catch(() => {});
    expect(prisma(tree.root, 'status')).toMatchObject({
      ok: false,
      text: expect.stringContaining('have failed'),
    });
    expect(prisma(tree.root, 'resolve', '--rolled-back', first).ok).toBe(true);
    writeFileSync(join(tree.directory, first, 'migration.sql'), 'select 1');
    expect(await migrate(url, tree)).toEqual([first]);
    expect(prisma(tree.root, 'status').ok).toBe(true);
  });

  test('names the migration and the line when it fails itself, and a start then refuses', async () => {
    using tree = plant({ [first]: 'create table a (id int);\nselect nope;' });
    const { ok, text } = prisma(tree.root, 'deploy');
    expect(ok).toBe(false);
    expect(text).toMatch(
      new RegExp(`Migration name: ${first}[^]*column "nope" does not exist[^]*line 2: select nope;`),
    );
    await expect(migrate(url, tree)).rejects.toThrow(`Migration ${first} failed before`);
  });

  test('compares a database that has everything which Prisma cannot say', async () => {
    using tree = plant({
      [first]: `create extension btree_gist;
        create table a (id int primary key, period tstzrange, exclude using gist (id with =, period with &&), check (id > 0));
        create index a_open on a (id) where id > 5;`,
    });
    await migrate(url, tree);
    const model = 'model A {\n  id Int @id\n  period Unsupported("tstzrange")?\n  @@map("a")\n}\n';
    writeFileSync(join(tree.root, 'prisma/schema.prisma'), `${datasource}${model}`);
    const args = [
      '--from-config-datasource',
      '--to-schema',
      'prisma/schema.prisma',
      '--script',
      '--exit-code',
    ];
    expect(prisma(tree.root, 'diff', ...args)).toMatchObject({
      ok: true,
      text: expect.stringContaining('empty migration'),
    });
  });
});

const datasource = 'datasource db {\n  provider = "postgresql"\n}\n';

/** Migrations in a temporary repository that Prisma's command line can work on. */
function plant(scripts: Record<string, string>) {
  const tree = plantTree({
    'prisma.config.ts': readFileSync('prisma.config.ts', 'utf8'),
    'prisma/schema.prisma': datasource,
    'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n',
    ...Object.fromEntries(
      Object.entries(scripts).map(([name, sql]) => [`prisma/migrations/${name}/migration.sql`, sql]),
    ),
  });
  return Object.assign(tree, { directory: join(tree.root, 'prisma/migrations') });
}

function prisma(root: string, ...args: string[]) {
  const env = {
    ...process.env,
    DATABASE_URL: url,
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    PRISMA_SCHEMA_ENGINE_BINARY: resolve('prisma/engine/schema-engine.mjs'),
    CHECKPOINT_DISABLE: '1',
    NO_COLOR: '1',
  };
  const command = [resolve('node_modules/prisma/build/index.js'), 'migrate', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  return { ok: status === 0, text: `${stdout}${stderr}` };
}

async function emptyDatabase(): Promise<string> {
  const name = `migrate_test_${randomBytes(6).toString('hex')}`;
  await ask(inject('databaseAdminUrl'), `create database ${name} template template0`);
  made.push(name);
  const url = new URL(inject('databaseAdminUrl'));
  url.pathname = `/${name}`;
  return url.href;
}

/** The first value of the first row. */
async function ask(databaseUrl: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}
