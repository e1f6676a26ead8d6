import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OperationTypeNode, parse, visit } from 'graphql';
import { describe, expect, test } from 'vitest';
import type { Context } from '../../src/core/context.ts';
import { encodeId, newId } from '../../src/core/ids.ts';
import type { Reader } from '../../src/core/reader.ts';
import { schema } from '../../src/schema/schema.ts';
import { createReads } from '../../src/server/reads/createReads.ts';
import { openTestDatabase } from '../support/context.ts';
import { openBothPaths } from './bothPaths.ts';
import { makeHardRows } from './hardRows.ts';

const db = await openTestDatabase();
const rows = await makeHardRows(db);
const both = openBothPaths(db);
const [customer = '', other = ''] = rows.ids.Customer ?? [];
const booking = rows.ids.Booking?.[0] ?? '';

/** What the compiler must plan, one thing each. */
const planned: Record<string, string> = {
  'every leaf of a customer':
    '{ customers { nodes { id externalId firstName lastName fullName email phone companyName bornOn country timeZone language source status lifecycleStage vip doNotContact createdAt updatedAt deletedAt } } }',
  'a short list through a join table':
    '{ customers(first: 20) { nodes { tags { id name color createdBy { email } } } } }',
  'lists in lists':
    '{ customers(first: 20) { nodes { id fullName email tags { name } bookings(first: 3) { nodes { id status startsAt service { name } } } } } }',
  'a timeline': `{ customer(id: "${customer}") { id fullName activities(first: 50) { nodes { id type title data occurredAt subjectId origin actor { kind id __typename } } } } }`,
  'figures and sums': `{ customer(id: "${customer}") { stats { totalBookings totalSpent { amount currency __typename } } leadScore { score grade calculatedAt lastActivityAt } } }`,
  'nodes and edges together':
    '{ customers(first: 4) { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor __typename } edges { cursor node { id } } nodes { id } __typename } }',
  'the last page':
    '{ customers(last: 4) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } } } }',
  'a page of none':
    '{ a: customers(first: 0) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor } nodes { id } } b: customers(last: 0) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor } } }',
  'a list with nothing in it': `{ customer(id: "${other}") { payments(filter: { bookingId: { in: [] } }) { totalCount nodes { id } edges { cursor } pageInfo { startCursor hasNextPage } } } }`,
  'nothing but a count': '{ bookings { totalCount } services { totalCount } }',
  'nothing but a name': '{ bookings { __typename } __typename customer: customers { __typename } }',
  'one field twice with other arguments': `{ customer(id: "${customer}") { a: bookings(first: 2) { nodes { id } } b: bookings(last: 2, orderBy: { field: CREATED_AT, direction: ASC }) { nodes { id } } } }`,
  'one field twice with other selections':
    '{ customers(first: 2) { nodes { id } nodes { email } ... { nodes { tags { name } } } } customers(first: 2) { nodes { tags { slug: name } } } }',
  'any object by its id': `{ node(id: "${booking}") { __typename id ... on Booking { reference customer { fullName } } ... on Customer { email } } }`,
  'objects by their ids': `{ nodes(ids: ["${booking}", "${customer}", "nonsense", "${encodeId('Tag', newId())}", "${booking}"]) { id ... on Booking { startsAt price { amount } } ... on Customer { email } } none: nodes(ids: []) { id } }`,
  'a row that is not there': `{ customer(id: "${encodeId('Customer', newId())}") { id } booking(id: "nonsense") { id } tag(id: "${customer}") { id } }`,
  'who asks':
    '{ viewer { kind role permissions rowScope workspace { id name timeZone currency country } customer { id } user { email teams { name } } } }',
  'who may do what':
    '{ bookings(first: 20) { nodes { viewerCanConfirm viewerCanCancel viewerCanComplete viewerCanMarkNoShow viewerCanReschedule status } } }',
  'money of every kind':
    '{ services { nodes { price { amount currency } } } payments { nodes { amount { amount } refunded { currency amount } } } }',
  'values of several columns': '{ apiKeys { nodes { prefix role permissions createdBy { displayName } } } }',
  'an object and the one it is of, there and back':
    '{ users { nodes { displayName staffMember { displayName user { id teams { members { email } } } } } } }',
};

test.each(Object.keys(planned))(
  'The compiler plans %s, and answers what the executor answers.',
  async (name) => {
    const { normal, planned: answer, outcomes } = await both(rows.admin, planned[name] as string);
    expect(answer).toBe(normal);
    expect(answer.length).toBeGreaterThan(30);
    expect(outcomes.filter(({ reason }) => reason !== '')).toEqual([]);
  },
);

/** A query with variables: which answers come, and that they are the executor's. */
test('Variables, defaults, @skip and @include make the answers they should, one after the other.', async () => {
  const source = `query ($first: Int = 3, $after: String, $status: [BookingStatus!] = [CANCELLED], $more: Boolean!, $less: Boolean = false) {
    bookings(first: $first, after: $after, filter: { status: { in: $status } }) { pageInfo { endCursor } nodes { id ...More @include(if: $more) status @skip(if: $less) } }
  } fragment More on Booking { reference customer { firstName } }`;
  const answers = [];
  let after: string | null = null;
  for (const more of [true, false, true, false]) {
    for (const variables of [
      { more },
      { more, less: true, first: 2 },
      { more, after },
      { more, status: null },
    ]) {
      const { normal, planned: answer, outcomes, result } = await both(rows.admin, source, variables);
      expect(answer).toBe(normal);
      expect(outcomes).toMatchObject([{ outcome: 'planned' }]);
      after = (result.data as { bookings: { pageInfo: { endCursor: string } } }).bookings.pageInfo.endCursor;
      answers.push(answer);
    }
  }
  expect(new Set(answers).size).toBeGreaterThan(5);
});

describe('What is left to the executor', () => {
  test.each<[string, string, string]>([
    ['a page larger than may be', '{ customers(first: 101) { nodes { id } } }', 'refused'],
    ['a cursor that none gave out', '{ customers(after: "nonsense") { nodes { id } } }', 'refused'],
    ['a page from both ends', '{ customers(first: 1, last: 1) { nodes { id } } }', 'a page from both ends'],
    [
      'a name too long for the database',
      `{ services { nodes { ${'a'.repeat(64)}: name } } }`,
      'a long alias',
    ],
    [
      'a time that only JavaScript reads',
      '{ customers(filter: { createdAt: { gt: "0000-01-01T00:00:00Z" } }) { nodes { id } } }',
      'refused',
    ],
    ['introspection', '{ __type(name: "Money") { name } }', 'there is no field Query.__type'],
  ])('is %s, for a reason that is counted.', async (_, source, reason) => {
    const { outcomes, planned: answer } = await both(rows.admin, source);
    expect(answer).toBe('fallback');
    expect(outcomes).toMatchObject([{ outcome: 'fallback', reason }]);
  });

  test('is a root field that the viewer may not see all of; the others are planned all the same.', async () => {
    const source = `{ services { nodes { name } } customers(first: 2) { nodes { id stats { totalSpent { amount } } } } }`;
    const { outcomes, planned: answer, normal } = await both(rows.viewers.marketing as never, source);
    expect(outcomes).toMatchObject([
      { outcome: 'fallback', reason: 'a permission that the viewer lacks' },
      { outcome: 'planned' },
    ]);
    expect(answer).toBe(normal);
    expect(JSON.parse(answer).errors[0].message).toBe('You need the permission payments.read.');
  });

  test('is what costs too much, before anything is planned or read.', async () => {
    const source =
      '{ customers(first: 100) { nodes { bookings(first: 100) { nodes { payments(first: 100) { nodes { id } } } } } } }';
    const { outcomes, planned: answer } = await both(rows.admin, source);
    expect([answer, outcomes]).toEqual(['fallback', []]);
  });
});

test('What the executor does is done beside what is planned, and neither waits for the other.', async () => {
  const asked = Promise.withResolvers<void>();
  const watched = db.$extends({
    query: {
      $allOperations({ args, query }) {
        asked.resolve();
        return query(args);
      },
    },
  });
  // Answers when the executor has asked the database: if it came second, it never would.
  const reader: Reader = {
    async read() {
      await asked.promise;
      return '[]';
    },
    async close() {},
  };
  const result = await createReads(schema, reader).execute({
    schema,
    document: parse(
      `{ customers(first: 2) { nodes { id } } services { nodes { ${'a'.repeat(64)}: __typename } } __type(name: "Nothing") { name } }`,
    ),
    contextValue: { ...rows.admin, db: watched },
  });
  expect(Object.keys(result?.data ?? {})).toEqual(['customers', 'services', '__type']);
  expect(result).toMatchObject({ data: { customers: { nodes: [] }, __type: null } });
});

test('One plan in the database serves a list for every workspace, but no filter, count or viewer of some customers.', async () => {
  const steady = async (ctx: Context, source: string) => {
    const sent: boolean[] = [];
    const reader: Reader = {
      async read(statement) {
        sent.push(statement.steady);
        return '{}';
      },
      async close() {},
    };
    await createReads(schema, reader).answer({ schema, document: parse(source), contextValue: ctx });
    return sent;
  };
  const timeline = `{ customer(id: "${customer}") { activities(first: 50) { nodes { id } } } }`;
  const lists =
    '{ customers(first: 20) { nodes { tags { name } bookings(first: 3) { nodes { service { name } } } } } }';
  for (const source of [timeline, lists, `{ nodes(ids: ["${customer}", "${booking}"]) { id } }`])
    expect(await steady(rows.admin, source)).toEqual([true]);
  for (const source of [
    '{ customers { totalCount } }',
    '{ customers(filter: { email: { eq: "ada@example.com" } }) { nodes { id } } }',
    '{ bookings(filter: { status: { eq: PENDING } }) { nodes { id } } }',
    '{ bookings(filter: { status: { in: [PENDING, CONFIRMED] } }) { nodes { id } } }',
  ])
    expect(await steady(rows.admin, source)).toEqual([false]);
  expect(await steady(rows.viewers.staff as Context, lists)).toEqual([false]);
});

/** They read by statements of their own (test/conventions/planned.test.ts). */
const opaqueParts =
  /\b(daySummary|segmentPreview|segmentExplanation|leadScoreRulePreview|backlog|automations|remote[A-Z]\w+)\b/;

test('Every query that the documents show is planned.', async () => {
  const root = resolve(import.meta.dirname, '../..');
  const files = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];
  const shown = files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/```graphql\n([\s\S]*?)```/g)].map(
      ([, text = '']) => text,
    ),
  );
  const queries = shown.filter((text) => {
    if (opaqueParts.test(text)) return false;
    let query = false;
    visit(parse(text), {
      OperationDefinition({ operation }) {
        query = operation === OperationTypeNode.QUERY;
      },
    });
    return query;
  });
  expect(queries.length).toBeGreaterThan(0);
  for (const source of queries) {
    const { outcomes, planned: answer, normal } = await both(rows.admin, source);
    expect(answer).toBe(normal);
    expect(outcomes.filter(({ outcome }) => outcome !== 'planned')).toEqual([]);
  }
});
