import { graphql } from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { openLocalBus } from '../../src/core/bus.ts';
import type { Context } from '../../src/core/context.ts';
import { encodeId, newId } from '../../src/core/ids.ts';
import { openEventLog } from '../../src/events/log.ts';
import { createCustomer } from '../../src/resolvers/customers/createCustomer.ts';
import { updateCustomer } from '../../src/resolvers/customers/updateCustomer.ts';
import { schema } from '../../src/schema/schema.ts';
import { createWorkspace, openTestDatabase, readerOf } from '../support/context.ts';
import { watchStatements } from './statements.ts';

/** However long the pages are, a query costs the same few statements. */

const db = await openTestDatabase();
const eventLog = openEventLog(db, readerOf(db), openLocalBus());
let admin: Context;

const count = 120;
const perCustomer = 12;

beforeAll(async () => {
  const shop = await createWorkspace(db);
  admin = await shop.asUser('ADMIN');
  const workspaceId = shop.workspace.id;
  const day = (n: number) => new Date(Date.UTC(2026, 0, 1 + n));
  const ids = Array.from({ length: count }, newId);
  const [serviceId, staffMemberId] = [newId(), newId()];
  const ownerId = (admin.viewer as { id: string }).id;
  await db.service.create({
    data: { id: serviceId, workspaceId, name: 'Cut', durationMinutes: 30, priceMinor: 1n, currency: 'EUR' },
  });
  await db.staffMember.create({
    data: { id: staffMemberId, workspaceId, displayName: 'Grace', timeZone: 'UTC' },
  });
  const tags = ['a', 'b', 'c'].map((slug) => ({ id: newId(), workspaceId, name: slug, slug }));
  await db.tag.createMany({ data: tags });
  await db.customer.createMany({
    data: ids.map((id, n) => ({
      id,
      workspaceId,
      firstName: `A${n}`,
      sortName: 'a',
      searchText: ' a',
      ownerId,
      createdAt: day(n),
    })),
  });
  await db.customerTag.createMany({
    data: ids.flatMap((customerId) => tags.map(({ id }) => ({ workspaceId, customerId, tagId: id }))),
  });
  const many = ids.flatMap((customerId) =>
    Array.from({ length: perCustomer }, (_, n) => ({ customerId, n, id: newId() })),
  );
  await db.booking.createMany({
    data: many.map(({ customerId, n, id }) => ({
      id,
      workspaceId,
      reference: id,
      customerId,
      serviceId,
      staffMemberId,
      status: n % 2 ? 'COMPLETED' : 'CANCELLED',
      startsAt: day(n),
      endsAt: new Date(day(n).getTime() + 1),
      blockedFrom: day(n),
      blockedUntil: new Date(day(n).getTime() + 1),
      timeZone: 'UTC',
      priceMinor: 1n,
      currency: 'EUR',
    })),
  });
  await db.payment.createMany({
    data: many.map(({ customerId, id, n }) => ({
      id: newId(),
      workspaceId,
      customerId,
      bookingId: id,
      amountMinor: 1n,
      currency: 'EUR',
      method: 'CASH',
      status: 'SUCCEEDED',
      paidAt: day(n),
    })),
  });
  await db.event.createMany({
    data: many.map(({ customerId, n }, index) => ({
      workspaceId,
      position: BigInt(index + 1),
      id: newId(),
      type: n % 2 ? 'customer.created' : 'customer.updated',
      version: 1,
      occurredAt: day(n),
      recordedAt: day(n),
      actorKind: 'USER',
      actorId: ownerId,
      origin: 'LIVE',
      customerId,
      subjectType: 'Customer',
      subjectId: customerId,
      data: { fields: [] },
    })),
  });
});

async function statementsOf(source: string, ctx = admin) {
  const { result, statements } = await watchStatements(() =>
    graphql({ schema, source, contextValue: { ...ctx, eventLog } }),
  );
  expect(result.errors).toBeUndefined();
  return {
    data: result.data as Record<string, Record<string, unknown>>,
    statements: statements.map(({ text }) => text),
  };
}

/** The newest customers and everything about them, with pages of this size inside. */
const everything = (size: number, inner: number) => `{ customers(first: ${size}) { nodes {
  id fullName owner { displayName } tags { name } leadScore { score grade }
  stats { totalBookings lastBookingAt totalSpent { amount currency } }
  bookings(first: ${inner}) { edges { cursor node { id startsAt service { name } staffMember { displayName } price { amount } payments(first: 1) { nodes { amount { amount } } } } } }
  activities(first: ${inner}) { nodes { id type title actor { id } customer { firstName } } }
} } }`;

describe('A query costs the same few statements', () => {
  test.each([1, 10, 100])('for a page of %i customers with all that belongs to them: one.', async (size) => {
    for (const inner of [1, 10]) {
      const { data, statements } = await statementsOf(everything(size, inner));
      const nodes = (data.customers as { nodes: { bookings: { edges: unknown[] } }[] }).nodes;
      expect(nodes).toHaveLength(size);
      expect(nodes.every(({ bookings }) => bookings.edges.length === inner)).toBe(true);
      expect(statements).toHaveLength(1);
    }
  });

  test.each([1, 10, 100])(
    'for a page of %i customers, with lists of the same field and other arguments beside each other: one more for each further one.',
    async (size) => {
      const aliases = `{ customers(first: ${size}) { nodes { id
      newest: bookings(first: 2) { nodes { id } }
      cancelled: bookings(first: 3, filter: { status: { eq: CANCELLED } }) { nodes { id status service { name } } }
      oldest: bookings(first: 3, orderBy: { field: STARTS_AT, direction: ASC }) { nodes { id } }
      activities(first: 2) { nodes { id } }
      created: activities(first: 2, types: [CUSTOMER_CREATED]) { nodes { id title } } } } }`;
      const { data, statements } = await statementsOf(aliases);
      const nodes = (data.customers as { nodes: Record<string, { nodes: { status?: string }[] }>[] }).nodes;
      for (const { newest, cancelled, oldest, created } of nodes) {
        expect([newest, cancelled, oldest, created].map((list) => list?.nodes.length)).toEqual([2, 3, 3, 2]);
        expect(cancelled?.nodes.every(({ status }) => status === 'CANCELLED')).toBe(true);
        expect(newest).not.toEqual(oldest);
      }
      // The page; the second list of bookings with the second of activities; the third of bookings.
      expect(statements).toHaveLength(3);
    },
  );

  test.each([1, 10, 100])(
    'for a page of %i customers with the counts of their lists: one more for each list that is counted.',
    async (size) => {
      const counts = `{ customers(first: ${size}) { nodes { bookings(first: 1) { totalCount } activities(first: 1) { totalCount nodes { id } } payments { totalCount } } } }`;
      const { data, statements } = await statementsOf(counts);
      for (const node of (data.customers as { nodes: Record<string, { totalCount: number }>[] }).nodes) {
        expect(Object.values(node).map(({ totalCount }) => totalCount)).toEqual([
          perCustomer,
          perCustomer,
          perCustomer,
        ]);
      }
      expect(statements).toHaveLength(4);
      // The lists of these customers are counted, not those of all the workspace.
      for (const text of statements.filter((one) => one.includes('COUNT')))
        expect(text).toMatch(/"workspace_id" = \$\d+ AND .*"customer_id" IN \(/);
    },
  );

  test('for a page behind a cursor: one more, to find the place; also when the cursor is in the list of an object.', async () => {
    const { data } = await statementsOf(
      '{ customers(first: 10) { pageInfo { endCursor } nodes { id bookings(first: 3) { pageInfo { endCursor } } } } }',
    );
    const { pageInfo, nodes } = data.customers as unknown as {
      pageInfo: { endCursor: string };
      nodes: { id: string; bookings: { pageInfo: { endCursor: string } } }[];
    };
    const behind = await statementsOf(
      `{ customers(first: 10, after: "${pageInfo.endCursor}") { nodes { id bookings(first: 3) { nodes { id } } } } }`,
    );
    expect(behind.statements).toHaveLength(2);
    const inner = `bookings(first: 3, after: "${nodes[0]?.bookings.pageInfo.endCursor}") { nodes { id } }`;
    expect((await statementsOf(`{ customer(id: "${nodes[0]?.id}") { ${inner} } }`)).statements).toHaveLength(
      2,
    );
    expect((await statementsOf(`{ customers(first: 10) { nodes { ${inner} } } }`)).statements).toHaveLength(
      2,
    );
    // No page is read without a limit, and none with Prisma's own cursor, which reads the list up to the page.
    for (const text of behind.statements) expect(text).toMatch(/LIMIT \$\d+/);
  });

  test('for each viewer, also one who reaches some customers only.', async () => {
    const staff = {
      ...admin,
      viewer: {
        ...admin.viewer,
        rowScope: 'ASSIGNED' as const,
        principals: [(admin.viewer as { id: string }).id],
      },
    };
    for (const size of [1, 100])
      expect((await statementsOf(everything(size, 5), staff)).statements).toHaveLength(1);
  });

  test('for one object, for several by their ids, and for what is not there.', async () => {
    const { data } = await statementsOf('{ customers(first: 20) { nodes { id } } }');
    const ids = (data.customers as { nodes: { id: string }[] }).nodes.map(({ id }) => id);
    expect(
      (await statementsOf(`{ customer(id: "${ids[0]}") { firstName bookings { nodes { id } } } }`))
        .statements,
    ).toHaveLength(1);
    expect(
      (
        await statementsOf(
          `{ node(id: "${ids[0]}") { id ... on Customer { firstName tags { name } bookings { nodes { id } } } } }`,
        )
      ).statements,
    ).toHaveLength(1);
    expect(
      (await statementsOf(`{ customer(id: "${encodeId('Customer', newId())}") { firstName } }`)).statements,
    ).toHaveLength(1);
    expect((await statementsOf('{ customer(id: "cus_nonsense") { firstName } }')).statements).toHaveLength(0);
  });

  test('for the answer of a mutation: what it shows of the object is read in one.', async () => {
    const customer = await createCustomer(admin, { firstName: 'Zoe' });
    const id = encodeId('Customer', customer.id);
    const shown =
      '__typename ... on UpdateCustomerPayload { customer { fullName tags { name } bookings { nodes { id } } stats { totalSpent { amount } } } }';
    const update = (extra: string) =>
      statementsOf(
        `mutation { updateCustomer(input: { id: "${id}", jobTitle: "${newId()}" }) { ${extra} } }`,
      );
    const [plain, full] = [await update('__typename'), await update(shown)];
    expect(full.statements.length - plain.statements.length).toBe(1);
    await updateCustomer(admin, { id, jobTitle: null });
  });
});
