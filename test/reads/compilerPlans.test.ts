import { parse } from 'graphql';
import pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import type { Viewer } from '../../src/core/context.ts';
import { type Database, openDatabase } from '../../src/core/database.ts';
import { openReader, type Reader, type Statement } from '../../src/core/reader.ts';
import { schema } from '../../src/schema/schema.ts';
import { createReads } from '../../src/server/reads/createReads.ts';
import { testContext } from '../support/context.ts';
import { createTestDatabase } from '../support/database.ts';
import { bigBusiness, loadBigBusiness } from './bigBusiness.ts';
import { measureLists, viewerOf } from './measure.ts';
import { type Cost, costOf } from './plans.ts';

/**
 * What the compiler's statements cost at 50,000 customers, next to those of the normal path, for every list, order,
 * filter and search. Statements that keep one plan are measured with that plan.
 */

let url: string;
let db: Database;
let reader: Reader;
let client: pg.Client;

beforeAll(async () => {
  const made = await createTestDatabase();
  ({ url } = made);
  await loadBigBusiness(url);
  db = openDatabase(url);
  reader = openReader(url);
  client = new pg.Client({ connectionString: url });
  await client.connect();
  return async () => {
    await Promise.all([db.$disconnect(), reader.close(), client.end()]);
    await made.drop();
  };
}, 300_000);

const statements: Statement[] = [];

/** The statements of a query on the planned path. */
async function plannedStatements(viewer: Viewer, source: string): Promise<Statement[]> {
  statements.length = 0;
  const watching: Reader = {
    ...reader,
    read(statement, signals) {
      statements.push(statement);
      return reader.read(statement, signals);
    },
  };
  const contextValue = testContext(db, { workspace: bigBusiness.workspace, viewer });
  const answer = await createReads(schema, watching).answer({
    schema,
    document: parse(source),
    contextValue,
  });
  expect(answer, source).not.toBeNull();
  return [...statements];
}

/** As it runs: with the plan for these values, or with the one for all. */
async function costOfPlanned({ text, values, steady }: Statement): Promise<Cost> {
  if (!steady) return costOf(client, { text, values: [...values] });
  await client.query("SET plan_cache_mode = 'force_generic_plan'");
  await client.query(`PREPARE steady AS ${text}`);
  const given = values.map((value) => `'${String(value)}'`).join(', ');
  try {
    return await costOf(client, { text: `EXECUTE steady${given && `(${given})`}`, values: [] });
  } finally {
    await client.query('DEALLOCATE steady');
    await client.query('RESET plan_cache_mode');
  }
}

const viewers: [string, string[] | null][] = [
  ['who reaches everybody', null],
  ['who reaches fifty customers', [bigBusiness.ownerOfFew]],
];

test.each(viewers)(
  'Lists of a viewer %s cost about as many rows as on the normal path.',
  { timeout: 300_000 },
  async (_, principals) => {
    const viewer = viewerOf(bigBusiness, principals);
    const asked: { name: string; query: string; rows: number; scanned: string[] }[] = [];
    const measured = await measureLists(
      { url, db, big: bigBusiness, viewer },
      { name: /./, thorough: false },
      (name, query) => asked.push({ name, query, rows: 0, scanned: [] }),
    );
    const worse: string[] = [];
    for (const [at, normal] of measured.entries()) {
      // What is refused, or found in several looks, is left to the normal path.
      if (normal.refused || /search: |tagId: |segmentId: /.test(normal.name)) continue;
      const total = { rows: 0, scanned: [] as string[] };
      for (const statement of await plannedStatements(viewer, asked[at]?.query ?? '')) {
        const cost = await costOfPlanned(statement);
        total.rows += cost.rows;
        total.scanned.push(...cost.scanned);
      }
      // A cursor's place is found inside the statement: how much lies beyond it is not known to the planner.
      const most = normal.rows * 2.5 + 200;
      if (total.rows > most || total.scanned.some((table) => !normal.scanned.includes(table)))
        worse.push(
          `${normal.name}: ${total.rows} rows, normally ${normal.rows}; read whole: ${total.scanned.join() || 'none'}`,
        );
    }
    expect(measured.length).toBeGreaterThan(100);
    expect(worse).toEqual([]);
  },
);
