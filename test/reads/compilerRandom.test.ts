import { expect, test } from 'vitest';
import { openTestDatabase } from '../support/context.ts';
import { openBothPaths } from './bothPaths.ts';
import { makeHardRows } from './hardRows.ts';
import { randomOf, randomQuery } from './randomQuery.ts';

/**
 * Random queries through both paths, byte for byte. `QUERIES=5000 SEED=7 npx vitest run test/reads/compilerRandom.test.ts`
 * asks more, or others.
 */
const queries = Number(process.env.QUERIES ?? 400);
const firstSeed = Number(process.env.SEED ?? 1);

const db = await openTestDatabase();
const rows = await makeHardRows(db);
const both = openBothPaths(db);

test(`Both paths answer the same to ${queries} random queries from seed ${firstSeed} on, byte for byte.`, {
  timeout: 600_000,
}, async ({ annotate }) => {
  const reasons = new Map<string, number>();
  let planned = 0;
  let rowsSeen = 0;
  for (let seed = firstSeed; seed < firstSeed + queries; seed++) {
    const names = Object.keys(rows.viewers);
    const random = randomOf(seed * 7 + 1);
    const name = random.chance(0.5) ? 'admin' : random.pick(names);
    const { source, variables } = randomQuery(seed, rows);
    const answers = await both(rows.viewers[name] as never, source, variables).catch((error: Error) => {
      throw new Error(`Seed ${seed} as ${name}: ${error.message}\n${source}\n${JSON.stringify(variables)}`);
    });
    for (const { outcome, reason } of answers.outcomes) {
      if (outcome === 'planned') planned++;
      else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    if (answers.planned === 'fallback') continue;
    if (answers.planned.length > 200) rowsSeen++;
    if (answers.planned !== answers.normal)
      throw new Error(
        `Seed ${seed} as ${name}:\n${source}\n${JSON.stringify(variables)}\nnormal:  ${answers.normal}\nplanned: ${answers.planned}`,
      );
  }
  const text = `${planned} root fields were planned. Left to the executor: ${JSON.stringify(Object.fromEntries(reasons), null, 1)}`;
  console.info(text);
  void annotate(text);
  expect(planned).toBeGreaterThan(queries / 2);
  expect(rowsSeen).toBeGreaterThan(queries / 10);
  expect(reasons.get('it failed') ?? 0).toBe(0);
});
