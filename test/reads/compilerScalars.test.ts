import { type GraphQLScalarType, isScalarType } from 'graphql';
import pg from 'pg';
import { expect, test } from 'vitest';
import { connectionOf } from '../../src/core/database.ts';
import { encodeId, newId, prefixes } from '../../src/core/ids.ts';
import { schema } from '../../src/schema/schema.ts';
import type { OperationContext } from '../../src/server/operationContext.ts';
import { finish, leafKey } from '../../src/server/reads/finish.ts';
import { columnLeaf, idLeaf, type Leaf } from '../../src/server/reads/leaf.ts';
import type { Column } from '../../src/server/reads/tableOf.ts';
import { openTestDatabase, urlOf } from '../support/context.ts';
import { hardTexts, hardTimes } from './hardRows.ts';
import { randomOf } from './randomQuery.ts';

/** Each scalar prints the same in the database and in JavaScript, whatever the value. */

const db = await openTestDatabase();
const { chance, upTo, pick } = randomOf(4);
const ctx = {} as OperationContext;

interface Case {
  type: string;
  /** As the schema of the database names it, and as SQL does. */
  column: string;
  sql: string;
  values: unknown[];
}

const text = () =>
  Array.from({ length: upTo(8) }, () =>
    chance(0.5) ? pick(hardTexts) : String.fromCodePoint(1 + upTo(0xd7fe)),
  ).join('');
const instant = () =>
  new Date(
    Date.UTC(
      1 + upTo(9_998),
      upTo(11),
      1 + upTo(27),
      upTo(23),
      upTo(59),
      upTo(59),
      chance(0.3) ? 0 : upTo(999),
    ),
  );
const early = (date: Date) => {
  if (date.getUTCFullYear() >= 1900 && chance(0.1)) date.setUTCFullYear(1 + upTo(99));
  return date;
};
const many = <T>(make: () => T) => Array.from({ length: 300 }, make);

const cases: Case[] = [
  { type: 'String', column: 'String', sql: 'text', values: [...hardTexts, ...many(text)] },
  { type: 'ID', column: 'String', sql: 'text', values: [...hardTexts, ...many(text)] },
  { type: 'TimeZone', column: 'String', sql: 'text', values: ['Europe/Berlin', ...many(text)] },
  { type: 'Decimal', column: 'String', sql: 'text', values: ['0', '-12.50', '1e999'] },
  { type: 'CurrencyCode', column: 'Char', sql: 'char(3)', values: ['EUR', 'JPY', 'A  '] },
  {
    type: 'Int',
    column: 'Int',
    sql: 'integer',
    values: [0, -1, 2 ** 31 - 1, -(2 ** 31), ...many(() => upTo(2 ** 31 - 1))],
  },
  { type: 'Boolean', column: 'Boolean', sql: 'boolean', values: [true, false] },
  {
    type: 'DateTime',
    column: 'Timestamptz',
    sql: 'timestamptz(3)',
    values: [...hardTimes.map((time) => new Date(time)), ...many(() => early(instant()))],
  },
  {
    type: 'Date',
    column: 'Date',
    sql: 'date',
    values: hardTimes.map((time) => new Date(`${time.slice(0, 10)}T00:00:00.000Z`)),
  },
];

/** What the compiler would print for a value in a column. */
async function printed(client: pg.Client, leaf: Leaf | null, sql: string, value: unknown): Promise<string> {
  const given = value instanceof Date ? value.toISOString() : value;
  const key = leaf ? leafKey(0) : 'v';
  const { rows } = await client.query({
    text: `SELECT row_to_json(x)::text AS json FROM (SELECT $1::${sql} AS "${key}") x`,
    values: [given],
  });
  const [, json] =
    /^\{"v":([\s\S]*)\}$/.exec(
      finish(rows[0].json, leaf ? [{ ...leaf, before: `"v":${leaf.before}` }] : [], ctx),
    ) ?? [];
  return json as string;
}

async function connected<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client(connectionOf(urlOf(db)));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

test.each(cases)(
  '$type prints the same in the database and in JavaScript.',
  ({ type, column, sql, values }) =>
    connected(async (client) => {
      const scalar = schema.getType(type) as GraphQLScalarType;
      const leaf = columnLeaf(scalar, { type: column, list: false } as Column);
      if (leaf === undefined) throw new Error(`${type} is not printed from ${column}.`);
      for (const value of [...values, null]) {
        const expected = value === null ? 'null' : JSON.stringify(scalar.coerceOutputValue(value));
        expect(await printed(client, leaf, sql, value)).toBe(expected);
      }
    }),
);

test('Every scalar of the schema is among them, but those that JavaScript prints.', () => {
  const own = Object.values(schema.getTypeMap()).filter((type) => isScalarType(type));
  const names = own.map(({ name }) => name).filter((name) => name !== 'JSON' && name !== 'Float');
  expect([...new Set(cases.map(({ type }) => type))].sort()).toEqual(names.sort());
});

test('Ids are printed as JavaScript writes them.', () =>
  connected(async (client) => {
    for (const type of Object.keys(prefixes) as (keyof typeof prefixes)[]) {
      for (const uuid of [
        newId(),
        '00000000-0000-0000-0000-000000000000',
        'ffffffff-ffff-ffff-ffff-ffffffffffff',
      ])
        expect(await printed(client, idLeaf(type), 'uuid', uuid)).toBe(JSON.stringify(encodeId(type, uuid)));
    }
  }));

test.each(['infinity', '-infinity', '0044-03-15 BC', '10000-01-01'])(
  'A time that JavaScript writes otherwise, such as %s, is left to it.',
  (value) =>
    connected(async (client) => {
      for (const [type, column, sql] of [
        ['DateTime', 'Timestamptz', 'timestamptz(3)'],
        ['Date', 'Date', 'date'],
      ] as const) {
        const leaf = columnLeaf(
          schema.getType(type) as GraphQLScalarType,
          { type: column } as Column,
        ) as Leaf;
        await expect(printed(client, leaf, sql, value)).rejects.toThrow('out of range');
      }
    }),
);
