import { graphql } from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { openLocalBus } from '../../src/core/bus.ts';
import type { Context } from '../../src/core/context.ts';
import { encodeId, newId } from '../../src/core/ids.ts';
import { openEventLog } from '../../src/events/log.ts';
import { searchColumns } from '../../src/resolvers/customers/searchable.ts';
import { schema } from '../../src/schema/schema.ts';
import { createWorkspace, openTestDatabase, readerOf } from '../support/context.ts';

/** Lists that are read in several looks hold what they would hold in one, page by page in both directions. */

const db = await openTestDatabase();
const eventLog = openEventLog(db, readerOf(db), openLocalBus());
let admin: Context;

const first = ['Ann', 'Anna', 'Annabel', 'Hannah', 'Anna-Lena', 'Bob'];
const last = ['Schmidt', 'Anders', 'Annan', 'Otto'];
const stages = ['NEW', 'LEAD', 'CUSTOMER'] as const;
const day = (n: number) => new Date(Date.UTC(2026, 0, 1 + n));
const [owners, tags] = [
  [newId(), newId(), newId()],
  [newId(), newId(), newId()],
];
/** 144 customers; several were added at the same time, and have the same name. */
const customers = Array.from({ length: 144 }, (_, n) => {
  const named = {
    firstName: first[n % first.length] as string,
    lastName: last[Math.floor(n / 7) % last.length] as string,
    email: n % 5 === 0 ? `anna${n}@example.com` : null,
    phone: n % 4 === 0 ? `+4930901${String(n).padStart(3, '0')}` : null,
    companyName: null,
  };
  return {
    ...named,
    ...searchColumns(named),
    id: newId(),
    ownerId: owners[n % 3] as string,
    lifecycleStage: stages[n % 2 === 0 ? 0 : 1 + (n % 4 === 1 ? 1 : 0)] as (typeof stages)[number],
    createdAt: day(n % 10),
    tags: tags.filter((_, at) => n % (at + 2) === 0),
  };
});
type Customer = (typeof customers)[number];

beforeAll(async () => {
  const shop = await createWorkspace(db);
  admin = await shop.asUser('ADMIN');
  const workspaceId = shop.workspace.id;
  await db.user.createMany({
    data: owners.map((id) => ({
      id,
      workspaceId,
      email: `${id}@example.com`,
      displayName: id,
      role: 'STAFF',
    })),
  });
  await db.tag.createMany({ data: tags.map((id) => ({ id, workspaceId, name: id, slug: id })) });
  await db.customer.createMany({
    data: customers.map(({ tags: _, ...row }) => ({ ...row, workspaceId })),
  });
  await db.customerTag.createMany({
    data: customers.flatMap(({ id, tags }) => tags.map((tagId) => ({ workspaceId, customerId: id, tagId }))),
  });
});

/** The ids of the whole list, read in pages of this size from one end to the other. */
async function whole(args: string, size: number, backwards: boolean, viewer = admin): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    expect(ids.length).toBeLessThanOrEqual(customers.length);
    const place: string = backwards
      ? `last: ${size}${cursor ? `, before: "${cursor}"` : ''}`
      : `first: ${size}${cursor ? `, after: "${cursor}"` : ''}`;
    const source = `{ customers(${place}, ${args}) { nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }`;
    const result = await graphql({ schema, source, contextValue: { ...viewer, eventLog } });
    expect(result.errors).toBeUndefined();
    const { nodes, pageInfo } = (result.data as Record<string, unknown>).customers as {
      nodes: { id: string }[];
      pageInfo: Record<'startCursor' | 'endCursor', string> &
        Record<'hasNextPage' | 'hasPreviousPage', boolean>;
    };
    const page = nodes.map(({ id }) => id);
    if (backwards) ids.unshift(...page);
    else ids.push(...page);
    expect(page.length).toBeLessThanOrEqual(size);
    cursor = (backwards ? pageInfo.hasPreviousPage : pageInfo.hasNextPage)
      ? pageInfo[backwards ? 'startCursor' : 'endCursor']
      : null;
  } while (cursor);
  return ids;
}

const owner = (at: number) => encodeId('User', owners[at] as string);
const tag = (at: number) => encodeId('Tag', tags[at] as string);
const among = (ids: string[]) => `{ in: [${ids.map((id) => `"${id}"`).join(', ')}] }`;
const begins = (customer: Customer, text: string) => customer.searchText.includes(` ${text}`);

const cases: [args: string, holds: (customer: Customer) => boolean][] = [
  [`ownerId: ${among([owner(0), owner(2)])}`, ({ ownerId }) => ownerId !== owners[1]],
  [`ownerId: ${among([owner(0), owner(1), owner(2), owner(1)])}`, () => true],
  ['lifecycleStage: { in: [LEAD, CUSTOMER] }', ({ lifecycleStage }) => lifecycleStage !== 'NEW'],
  [
    `ownerId: ${among([owner(0), owner(1)])}, lifecycleStage: { in: [NEW, LEAD] }`,
    ({ ownerId, lifecycleStage }) => ownerId !== owners[2] && lifecycleStage !== 'CUSTOMER',
  ],
];
const byTag: typeof cases = [
  [`tagId: { eq: "${tag(0)}" }`, ({ tags: worn }) => worn.includes(tags[0] as string)],
  [
    `tagId: ${among([tag(1), tag(2)])}`,
    ({ tags: worn }) => worn.includes(tags[1] as string) || worn.includes(tags[2] as string),
  ],
  [
    `tagId: { eq: "${tag(0)}" }, createdAt: { gte: "2026-01-03T00:00:00Z", lt: "2026-01-08T00:00:00Z" }`,
    ({ tags: worn, createdAt }) =>
      worn.includes(tags[0] as string) && createdAt >= day(2) && createdAt < day(7),
  ],
  [
    `tagId: { eq: "${tag(0)}" }, ownerId: { eq: "${owner(1)}" }`,
    ({ tags: worn, ownerId }) => worn.includes(tags[0] as string) && ownerId === owners[1],
  ],
];

const ordered = (rows: Customer[], by: (row: Customer) => string | number, direction: 1 | -1) =>
  rows
    .toSorted((a, b) => {
      const [x, y] = [by(a), by(b)];
      return direction * (x < y ? -1 : x > y ? 1 : a.id < b.id ? -1 : 1);
    })
    .map(({ id }) => encodeId('Customer', id));

describe('A list of several values', { timeout: 60_000 }, () => {
  const orders: [field: string, by: (row: Customer) => string | number, which: typeof cases][] = [
    ['CREATED_AT', ({ createdAt }) => createdAt.getTime(), [...cases, ...byTag]],
    ['NAME', ({ sortName }) => sortName, cases],
  ];
  test.each(orders)('in the order %s holds each row once, in its place.', async (field, by, which) => {
    for (const [filter, holds] of which) {
      for (const [direction, sign] of [
        ['ASC', 1],
        ['DESC', -1],
      ] as const) {
        const expected = ordered(customers.filter(holds), by, sign);
        expect(expected.length).toBeGreaterThan(5);
        const args = `filter: { ${filter} }, orderBy: { field: ${field}, direction: ${direction} }`;
        for (const [size, backwards] of [
          [7, false],
          [7, true],
          [100, false],
        ] as const)
          expect([args, size, backwards, await whole(args, size, backwards)]).toEqual([
            args,
            size,
            backwards,
            expected,
          ]);
      }
    }
  });
});

describe('A search', { timeout: 60_000 }, () => {
  const texts: [text: string, words: string[]][] = [
    ['anna', ['anna']],
    ['an', ['an']],
    ['a', ['a']],
    ['anna schmidt', ['anna', 'schmidt']],
    ['ann a o', ['ann', 'a', 'o']],
  ];
  test.each(texts)(
    'for %j meets the best match first: whole words, then longer ones, of each the newest.',
    async (text, words) => {
      const found = customers.filter((row) => words.every((word) => begins(row, word)));
      expect(found.length).toBeGreaterThan(5);
      const longest = words.toSorted((a, b) => b.length - a.length)[0] as string;
      const matched = (row: Customer) =>
        row.searchText
          .split(' ')
          .filter((word) => word.startsWith(longest))
          .sort()[0] as string;
      const expected = found
        .toSorted((a, b) => {
          const [x, y] = [matched(a), matched(b)];
          return x < y ? -1 : x > y ? 1 : a.id < b.id ? 1 : -1;
        })
        .map(({ id }) => encodeId('Customer', id));
      const args = `search: "${text}"`;
      const all = await whole(args, 100, false);
      // Of several words another may lead, when few have it.
      if (words.length === 1) expect(all).toEqual(expected);
      else expect([...all].sort()).toEqual([...expected].sort());
      for (const [size, backwards] of [
        [1, false],
        [7, false],
        [7, true],
      ] as const)
        expect([size, backwards, await whole(args, size, backwards)]).toEqual([size, backwards, all]);
    },
  );

  test.each([
    [
      'in an order of its own',
      'search: "anna", orderBy: { field: NAME, direction: ASC }',
      'anna',
      () => true,
    ],
    [
      'among the customers of an owner',
      `search: "anna", filter: { ownerId: { eq: "${owner(1)}" } }`,
      'anna',
      ({ ownerId }: Customer) => ownerId === owners[1],
    ],
    [
      'among those who wear a tag and are at a stage',
      `search: "an", filter: { tagId: { eq: "${tag(0)}" }, lifecycleStage: { eq: NEW } }`,
      'an',
      ({ tags: worn, lifecycleStage }: Customer) =>
        worn.includes(tags[0] as string) && lifecycleStage === 'NEW',
    ],
    ['for the beginning of a phone number', 'search: "030 901"', '30901', () => true],
  ] as const)('%s finds the same customers, in both directions.', async (_, args, word, holds) => {
    const found = customers.filter((row) => begins(row, word) && holds(row));
    expect(found.length).toBeGreaterThan(5);
    const expected = found.map(({ id }) => encodeId('Customer', id)).sort();
    const all = await whole(args, 100, false);
    expect([...all].sort()).toEqual(expected);
    for (const backwards of [false, true]) expect(await whole(args, 7, backwards)).toEqual(all);
    if (args.includes('NAME')) expect(all).toEqual(ordered(found, ({ sortName }) => sortName, 1));
  });

  test('as a viewer of some customers finds those, however few or many they are.', async () => {
    for (const [n, size] of [
      [1, 48],
      [2, 96],
    ] as const) {
      const principals = owners.slice(0, n);
      const viewer = { ...admin, viewer: { ...admin.viewer, rowScope: 'ASSIGNED' as const, principals } };
      const reached = customers.filter(({ ownerId }) => principals.includes(ownerId));
      expect(reached).toHaveLength(size);
      for (const text of ['anna', 'an', 'anna schmidt']) {
        const words = text.split(' ');
        const expected = reached
          .filter((row) => words.every((word) => begins(row, word)))
          .map(({ id }) => encodeId('Customer', id));
        const all = await whole(`search: "${text}"`, 100, false, viewer);
        expect([...all].sort()).toEqual(expected.sort());
        expect(await whole(`search: "${text}"`, 5, true, viewer)).toEqual(all);
      }
    }
  });

  test('counts those whom it finds, each once.', async () => {
    const source = '{ customers(search: "an", first: 2) { totalCount nodes { id } } }';
    const result = await graphql({ schema, source, contextValue: { ...admin, eventLog } });
    const { totalCount } = (result.data as Record<string, unknown>).customers as { totalCount: number };
    expect(totalCount).toBe(customers.filter((row) => begins(row, 'an')).length);
  });
});
