import { readFileSync } from 'node:fs';
import { describe, expect, inject, test } from 'vitest';
import { plantTree } from '../support/plantTree.ts';
import { runScript } from '../support/runScript.ts';

const script = 'scripts/checkMigrations.ts';
const env = () => ({ DATABASE_URL: inject('databaseAdminUrl') });

const tree = (schema: string, sql: string) => ({
  'prisma/schema.prisma': `datasource db {\n  provider = "postgresql"\n}\n${schema}`,
  'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n',
  'prisma/migrations/20260101000000_first/migration.sql': sql,
});
const model = 'model A {\n  id Int @id\n  name String\n}\n';
const table = 'create table "A" (id int not null, name text not null, constraint "A_pkey" primary key (id));';

describe('The check of the migrations', () => {
  test('passes migrations that make the schema, with all that Prisma cannot say', () => {
    using kept = plantTree(
      tree(
        model,
        `${table} create extension btree_gist;
        alter table "A" add check (id > 0), add exclude using gist (id with =, int4range(0, id) with &&);
        create index a_open on "A" (name) where id > 5; create index a_lower on "A" (lower(name));
        create function f() returns trigger language plpgsql as $$ begin return new; end; $$;
        create trigger t before insert on "A" for each row execute function f();`,
      ),
    );
    expect(runScript([script, kept.root], env())).toEqual({
      ok: true,
      lines: ['Migrations: they and the schema agree.'],
    });
  });

  test('catches a column that no migration makes, with the statement that is missing', () => {
    using planted = plantTree(tree(model.replace('name', 'planted Int?\n  name'), table));
    const { ok, lines } = runScript([script, planted.root], env());
    expect(ok).toBe(false);
    expect(lines.join('\n')).toMatch(/differ[^]*ALTER TABLE "A" ADD COLUMN +"planted" INTEGER;/);
  });

  test('catches an index that the schema does not know', () => {
    using planted = plantTree(tree(model, `${table} create index planted on "A" (name);`));
    const { ok, lines } = runScript([script, planted.root], env());
    expect(ok).toBe(false);
    expect(lines).toContain('DROP INDEX "planted";');
  });

  test('names the migration that does not run', () => {
    using planted = plantTree(tree(model, `${table}\nselect nope;`));
    const { ok, lines } = runScript([script, planted.root], env());
    expect(ok).toBe(false);
    expect(lines.join('\n')).toMatch(
      /could not be compared[^]*`20260101000000_first`[^]*line 2: select nope;/,
    );
  });

  test('is not passed by an engine that says nothing', () => {
    using kept = plantTree(tree(model, table));
    const { ok } = runScript([script, kept.root], { ...env(), PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true' });
    expect(ok).toBe(false);
  });

  test('is passed by this repository', () => {
    expect(readFileSync('prisma/migrations/migration_lock.toml', 'utf8')).toContain(
      'provider = "postgresql"',
    );
    expect(runScript([script], env())).toEqual({
      ok: true,
      lines: ['Migrations: they and the schema agree.'],
    });
  });
});
