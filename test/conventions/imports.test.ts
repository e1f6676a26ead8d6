import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { plantTree } from '../support/plantTree.ts';
import { runScript } from '../support/runScript.ts';

const script = 'scripts/checkImports.ts';

/** What each file holds, and the sentence about it that the check must print. */
const planted: { title: string; path: string; code: string; sentence: string }[] = [
  {
    title: 'a folder that imports one above it',
    path: 'src/core/upwards.ts',
    code: `import { fact } from '../events/fact.ts'; export const upwards = fact;`,
    sentence: 'src/core/upwards.ts imports src/events/fact.ts: core may import only itself.',
  },
  {
    title: 'a type that is imported from above',
    path: 'src/events/typeUpwards.ts',
    code: `import type { Fact } from '../resolvers/fact.ts'; export const typeUpwards: Fact = 1;`,
    sentence:
      'src/events/typeUpwards.ts imports src/resolvers/fact.ts: events may import only itself and core.',
  },
  {
    title: 'a type that is named through import() from above',
    path: 'src/events/inlineType.ts',
    code: `export type Inline = Array<import('../resolvers/fact.ts').Fact>;`,
    sentence:
      'src/events/inlineType.ts imports src/resolvers/fact.ts: events may import only itself and core.',
  },
  {
    title: 'a dynamic import from above',
    path: 'src/events/later.ts',
    code: `export async function later() { await using _ = await open(); return await import('../resolvers/fact.ts'); }`,
    sentence: 'src/events/later.ts imports src/resolvers/fact.ts: events may import only itself and core.',
  },
  {
    title: 'a folder that imports the one beside it',
    path: 'src/rest/sideways.ts',
    code: `export { fact } from '../jobs/fact.ts';`,
    sentence:
      'src/rest/sideways.ts imports src/jobs/fact.ts: rest may import only itself and resolvers, scoring, workflows, analytics, conditions, integrations, events, core.',
  },
  {
    title: 'anything that imports main',
    path: 'src/server/start.ts',
    code: `import '../main.ts';`,
    sentence:
      'src/server/start.ts imports src/main.ts: server may import only itself and schema, rest, jobs, resolvers, scoring, workflows, analytics, conditions, integrations, events, core.',
  },
  {
    title: 'a folder that is in no layer',
    path: 'src/services/fact.ts',
    code: 'export const fact = 1;',
    sentence: 'src/services/fact.ts is in no layer: give src/services a line in scripts/importLaw.ts.',
  },
  {
    title: 'source that imports a test',
    path: 'src/core/tested.ts',
    code: `import { seed } from '../../test/support/seed.ts'; export const tested = seed;`,
    sentence:
      'src/core/tested.ts imports test/support/seed.ts: src imports nothing of its clients, tests and scripts.',
  },
  ...['cli', 'dashboard', 'zapier', 'bench'].map((client) => ({
    title: `source that ${client} imports`,
    path: `${client}/start.ts`,
    code: `import type { Fact } from '../src/resolvers/fact.ts'; export const start: Fact = 1;`,
    sentence: `${client}/start.ts imports src/resolvers/fact.ts: cli, dashboard, zapier and bench are clients of the public API and import nothing from src.`,
  })),
  {
    title: 'an adapter that imports another adapter',
    path: 'src/integrations/mailer/send.ts',
    code: `import { send } from '../texter/send.ts'; export const sendBoth = send;`,
    sentence:
      'src/integrations/mailer/send.ts imports src/integrations/texter/send.ts: an adapter never imports another adapter.',
  },
  {
    title: 'an adapter that knows the database',
    path: 'src/integrations/mailer/rows.ts',
    code: `import type { Database } from '../../core/database.ts'; export type Rows = Database;`,
    sentence:
      'src/integrations/mailer/rows.ts imports src/core/database.ts: an adapter knows no database, no queue and no bus.',
  },
  {
    title: 'a verb that calls an adapter',
    path: 'src/resolvers/bookings/notify.ts',
    code: `import { send } from '../../integrations/texter/send.ts'; export const notify = send;`,
    sentence:
      'src/resolvers/bookings/notify.ts imports src/integrations/texter/send.ts: adapters are called only from jobs, rest and resolvers/connections.',
  },
  {
    title: 'an engine that does I/O',
    path: 'src/scoring/load.ts',
    code: `import { readFile } from 'node:fs/promises'; export const load = readFile;`,
    sentence:
      'src/scoring/load.ts imports fs/promises: scoring, workflows, analytics and conditions take data and a clock and do no I/O.',
  },
  ...['graphql', 'graphql-yoga', 'graphql-ws', '@pothos/core'].map((name, index) => ({
    title: `a verb that knows ${name}`,
    path: `src/resolvers/knows${index}.ts`,
    code: `import type {} from '${name}';`,
    sentence: 'only src/schema and src/server import graphql, its servers and Pothos.',
  })),
  {
    title: 'a verb that imports the generated Prisma client',
    path: 'src/resolvers/types.ts',
    code: `import type { Customer } from '../generated/prisma/client.ts'; export type Row = Customer;`,
    sentence:
      'src/resolvers/types.ts imports src/generated/prisma/client.ts: only src/core/database.ts and src/schema/builder.ts import the generated Prisma client.',
  },
  {
    title: 'imports that go round in a circle',
    path: 'src/core/egg.ts',
    code: `import type { Hen } from './hen.ts'; export type Egg = Hen;`,
    sentence:
      'src/core/egg.ts imports src/core/hen.ts -> src/core/egg.ts: imports must not go round in a circle.',
  },
  {
    title: 'an import that leads nowhere',
    path: 'src/core/lost.ts',
    code: `import { gone } from './gone.ts'; export const lost = gone;`,
    sentence: 'src/core/lost.ts imports ./gone.ts: there is no such file or package.',
  },
  {
    title: 'a schema file that reads the database itself',
    path: 'src/schema/customer.ts',
    code: `export const resolve = (_: unknown, ctx: any) => ctx.db.customer.findMany();`,
    sentence: 'src/schema/customer.ts reaches for the database: data comes only through the read helpers.',
  },
  {
    title: 'a file that only re-exports',
    path: 'src/events/index.ts',
    code: `// all of it\nexport * from './fact.ts';\nexport type { Fact } from './fact.ts';\n`,
    sentence: 'src/events/index.ts only re-exports: import from the file that holds the thing.',
  },
  ...['utils', 'helpers', 'common'].map((name) => ({
    title: `a folder named ${name}`,
    path: `src/core/${name}/date.ts`,
    code: 'export const date = 1;',
    sentence: `src/core/${name}/date.ts: no utils, helpers or common; name the concept.`,
  })),
];

/** What the law allows; the planted files import some of it. */
const lawful = {
  'src/main.ts': `import './server/serve.ts';`,
  'src/server/serve.ts': `import 'graphql'; import '../schema/builder.ts'; import '../rest/fact.ts'; import '../jobs/fact.ts';`,
  'src/schema/builder.ts': `import '@pothos/core'; import type {} from '../generated/prisma/client.ts'; export const client = (ctx: any) => ctx.db;`,
  'src/rest/fact.ts': `import '../resolvers/fact.ts'; import '../integrations/texter/send.ts';`,
  'src/jobs/fact.ts': `export { fact } from '../resolvers/fact.ts';`,
  'src/resolvers/fact.ts': `import { fact as lower } from '../events/fact.ts'; export type Fact = number; export const fact = lower;`,
  'src/scoring/score.ts': `import type { Database } from '../core/database.ts'; export type Rows = Database;`,
  'src/integrations/texter/send.ts': `import '../http.ts'; import './format.ts'; export const send = 1;`,
  'src/integrations/texter/format.ts': `export const format = 1;`,
  'src/integrations/http.ts': `import { fact } from '../core/fact.ts'; export const http = fact;`,
  'src/events/fact.ts': `import { fact as lower } from '../core/fact.ts'; export type Fact = number; export const fact = lower;`,
  'src/core/fact.ts': `import 'zod'; import 'node:fs'; export const fact = 1;`,
  'src/core/database.ts': `import { type PrismaClient } from '../generated/prisma/client.ts'; export type Database = PrismaClient;`,
  'src/core/egg.ts': `export type Egg = 1;`,
  'src/core/hen.ts': `import type { Egg } from './egg.ts'; export type Hen = Egg;`,
  'src/generated/prisma/client.ts': `import { loop } from './loop.ts'; export type PrismaClient = 1; export type Customer = 2; export const x = loop;`,
  'src/generated/prisma/loop.ts': `import './client.ts'; export const loop = 1;`,
  'test/support/seed.ts': `import { fact } from '../../src/resolvers/fact.ts'; export const seed = fact;`,
};

describe('The law of imports', () => {
  let tree: ReturnType<typeof plantTree>;
  let result: ReturnType<typeof runScript>;

  beforeAll(() => {
    tree = plantTree({ ...lawful, ...Object.fromEntries(planted.map(({ path, code }) => [path, code])) });
    result = runScript([script, tree.root]);
  });
  afterAll(() => tree[Symbol.dispose]());

  test.each(planted)('catches $title', ({ path, sentence }) => {
    expect(result.lines.filter((line) => line.startsWith(path)).join('\n')).toContain(sentence);
    expect(result.ok).toBe(false);
  });

  test('catches nothing else', () => {
    const [count] = result.lines.splice(-1);
    const others = result.lines.filter((line) => !planted.some(({ path }) => line.startsWith(path)));
    expect(others).toEqual([]);
    expect(count).toMatch(/^Imports: \d+ modules read, \d+ violations\.$/);
  });

  test('has nothing against a tree that keeps it', () => {
    using kept = plantTree(lawful);
    expect(runScript([script, kept.root])).toMatchObject({
      ok: true,
      lines: [expect.stringMatching(/ modules read, 0 violations\.$/)],
    });
  });

  test('is not held where nothing was read', () => {
    using empty = plantTree({ 'README.md': '# Nothing' });
    expect(runScript([script, empty.root])).toEqual({
      ok: false,
      lines: [
        'There is no module to read: the law cannot be checked.',
        'Imports: 0 modules read, 1 violations.',
      ],
    });
  });

  test('is not held without a TypeScript that the checker can use', () => {
    using kept = plantTree(lawful);
    const hide = `import { registerHooks } from 'node:module';
      registerHooks({ resolve: (name, context, next) => next(name.replace('typescript6', 'hidden'), context) });`;
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hide)}` };
    expect(runScript([script, kept.root], env)).toMatchObject({
      ok: false,
      lines: expect.arrayContaining([
        'TypeScript 6 is not installed as typescript6: the law cannot be checked.',
      ]),
    });
  });

  test('is held by this repository', () => {
    expect(runScript([script])).toMatchObject({ ok: true });
  });
});
