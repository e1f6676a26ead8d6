import { graphql } from 'graphql';
import { describe, expect, test } from 'vitest';
import { openLocalBus } from '../../src/core/bus.ts';
import type { Context } from '../../src/core/context.ts';
import { encodeId, newId } from '../../src/core/ids.ts';
import { openEventLog } from '../../src/events/log.ts';
import { createCustomer } from '../../src/resolvers/customers/createCustomer.ts';
import { deleteCustomer } from '../../src/resolvers/customers/deleteCustomer.ts';
import { schema } from '../../src/schema/schema.ts';
import { createWorkspace, openTestDatabase, readerOf } from '../support/context.ts';
import { watchStatements } from './statements.ts';

/** Pages join up to the whole list, forwards and backwards, wherever rows have the same place in the order. */

const db = await openTestDatabase();
const eventLog = openEventLog(db, readerOf(db), openLocalBus());

interface Page {
  nodes: { id: string }[];
  totalCount?: number;
  pageInfo: {
    startCursor: string | null;
    endCursor: string | null;
    hasNextPage: boolean;
    hasPreviousPage: boolean;
  };
}

function asker(ctx: Context) {
  return async (source: string) => {
    const result = await graphql({ schema, source, contextValue: { ...ctx, eventLog } });
    return {
      data: result.data as Record<string, Record<string, unknown>>,
      errors: result.errors?.map(({ message }) => message),
    };
  };
}

/** 30 customers, of whom the first has 30 bookings and events; many have the same times and names. */
async function crowd() {
  const shop = await createWorkspace(db);
  const admin = await shop.asUser('ADMIN');
  const workspaceId = shop.workspace.id;
  const at = (n: number) => new Date(Date.UTC(2026, 0, 1 + (n % 4)));
  const customers = Array.from({ length: 30 }, (_, n) => ({
    id: newId(),
    workspaceId,
    firstName: 'A',
    sortName: `name ${n % 3}`,
    searchText: ' a',
    createdAt: at(n),
    updatedAt: at(n * 7),
  }));
  await db.customer.createMany({ data: customers });
  const serviceId = newId();
  await db.service.create({
    data: { id: serviceId, workspaceId, name: 'Cut', durationMinutes: 30, priceMinor: 1n, currency: 'EUR' },
  });
  const rows = Array.from({ length: 60 }, (_, n) => ({ n, id: newId(), customerId: customers[n % 2]!.id }));
  await db.booking.createMany({
    data: rows.map(({ n, id, customerId }) => ({
      id,
      workspaceId,
      reference: id,
      customerId,
      serviceId,
      status: n % 5 === 0 ? 'CANCELLED' : 'PENDING',
      startsAt: at(n),
      endsAt: new Date(at(n).getTime() + 1),
      blockedFrom: at(n),
      blockedUntil: new Date(at(n).getTime() + 1),
      timeZone: 'UTC',
      priceMinor: 1n,
      currency: 'EUR',
      createdAt: at(n * 3),
    })),
  });
  await db.event.createMany({
    data: rows.map(({ n, customerId }) => ({
      workspaceId,
      position: BigInt(n + 1),
      id: newId(),
      type: n % 2 ? 'customer.created' : 'customer.updated',
      version: 1,
      occurredAt: at(n),
      recordedAt: at(n),
      actorKind: 'SYSTEM',
      origin: 'LIVE',
      customerId,
      subjectType: 'Customer',
      subjectId: customerId,
      data: { fields: [] },
    })),
  });
  const first = encodeId('Customer', customers[0]!.id);
  return { shop, admin, ask: asker(admin), customers, rows, first };
}

const fields = 'nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage }';
const orders = (names: string[]) => [
  '',
  ...names.flatMap((field) =>
    ['ASC', 'DESC'].map((direction) => `orderBy: { field: ${field}, direction: ${direction} }`),
  ),
];

const lists: [
  name: string,
  orders: string[],
  query: (first: string, list: string) => string,
  length: number,
][] = [
  ['customers', orders(['CREATED_AT', 'UPDATED_AT', 'NAME']), (_, list) => `{ of: __typename ${list} }`, 30],
  ['bookings', orders(['STARTS_AT', 'CREATED_AT']), (_, list) => `{ ${list} }`, 60],
  ['activities', [''], (_, list) => `{ ${list} }`, 60],
  [
    'bookings',
    orders(['STARTS_AT', 'CREATED_AT']),
    (id, list) => `{ customer(id: "${id}") { ${list} } }`,
    30,
  ],
  ['activities', [''], (id, list) => `{ customer(id: "${id}") { ${list} } }`, 30],
  ['bookings', [''], (id, list) => `{ node(id: "${id}") { ... on Customer { ${list} } } }`, 30],
];

describe('Pages', { timeout: 120_000 }, () => {
  test.each(lists)('of %s join up to the list, in both directions.', async (name, orders, query, length) => {
    const { ask, first } = await crowd();
    const read = async (args: string): Promise<Page> => {
      const { data, errors } = await ask(query(first, `${name}(${args}) { ${fields} }`));
      expect(errors).toBeUndefined();
      return (data[name] ?? data.customer?.[name] ?? data.node?.[name]) as Page;
    };
    for (const order of orders) {
      const whole = (await read(`first: 100 ${order}`)).nodes.map(({ id }) => id);
      expect(new Set(whole).size).toBe(length);
      for (const size of order ? [7] : [1, 10]) {
        const forwards: string[] = [];
        for (
          let page = await read(`first: ${size} ${order}`);
          ;
          page = await read(`first: ${size}, after: "${page.pageInfo.endCursor}" ${order}`)
        ) {
          expect(page.pageInfo.hasPreviousPage).toBe(forwards.length > 0);
          forwards.push(...page.nodes.map(({ id }) => id));
          expect([order, forwards.length, page.pageInfo.hasNextPage]).toEqual([
            order,
            forwards.length,
            forwards.length < length,
          ]);
          if (!page.pageInfo.hasNextPage) break;
        }
        expect([order, size, forwards]).toEqual([order, size, whole]);

        const backwards: string[] = [];
        for (
          let page = await read(`last: ${size} ${order}`);
          ;
          page = await read(`last: ${size}, before: "${page.pageInfo.startCursor}" ${order}`)
        ) {
          expect(page.pageInfo.hasNextPage).toBe(backwards.length > 0);
          backwards.unshift(...page.nodes.map(({ id }) => id));
          if (!page.pageInfo.hasPreviousPage) break;
        }
        expect([order, size, backwards]).toEqual([order, size, whole]);
      }
    }
  });

  test('of 50 are what `before` alone answers with.', async () => {
    const { ask } = await crowd();
    const cursor = ((await ask(`{ bookings(first: 59) { ${fields} } }`)).data.bookings as unknown as Page)
      .pageInfo.endCursor;
    const { nodes, pageInfo } = (await ask(`{ bookings(before: "${cursor}") { ${fields} } }`)).data
      .bookings as unknown as Page;
    expect([nodes.length, pageInfo.hasPreviousPage]).toEqual([50, true]);
  });

  test('of a filtered list go on behind a row that the filter leaves out.', async () => {
    const { ask, first } = await crowd();
    for (const query of [
      (list: string) => `{ ${list} }`,
      (list: string) => `{ customer(id: "${first}") { ${list} } }`,
    ]) {
      const read = async (args: string) => {
        const { data } = await ask(query(`bookings(${args}) { nodes { id status } pageInfo { endCursor } }`));
        return (data.bookings ?? data.customer?.bookings) as {
          nodes: { id: string; status: string }[];
          pageInfo: { endCursor: string };
        };
      };
      const whole = (await read('first: 100')).nodes;
      const from = await read('first: 5');
      const rest = await read(
        `first: 100, after: "${from.pageInfo.endCursor}", filter: { status: { eq: CANCELLED } }`,
      );
      expect(rest.nodes).toEqual(whole.slice(5).filter(({ status }) => status === 'CANCELLED'));
      expect(rest.nodes.length).toBeGreaterThan(0);
    }
  });

  test('are empty behind the cursor of a row that the viewer may not see, or that is not there.', async () => {
    const { shop, admin, ask, customers, first } = await crowd();
    const other = await crowd();
    const gone = await createCustomer(admin, { firstName: 'Gone' });
    await deleteCustomer(admin, { id: encodeId('Customer', gone.id) });
    const cursor = (uuid: string) => Buffer.from(`GPC:S:${uuid}`).toString('base64');
    const unseen = [other.customers[5]!.id, gone.id, newId()];
    for (const uuid of unseen) {
      for (const args of [`first: 5, after: "${cursor(uuid)}"`, `last: 5, before: "${cursor(uuid)}"`]) {
        expect((await ask(`{ customers(${args}) { nodes { id } totalCount } }`)).data.customers).toEqual({
          nodes: [],
          totalCount: 30,
        });
      }
    }
    const foreign = cursor(other.rows[3]!.id);
    const { data } = await ask(
      `{ customer(id: "${first}") { bookings(first: 5, after: "${foreign}") { nodes { id } totalCount } } }`,
    );
    expect(data.customer).toEqual({ bookings: { nodes: [], totalCount: 30 } });

    const staff = await shop.asUser('STAFF');
    const own = encodeId('Customer', (await createCustomer(staff, { firstName: 'Own' })).id);
    const asStaff = asker(staff);
    expect((await asStaff('{ customers { nodes { id } } }')).data.customers).toEqual({
      nodes: [{ id: own }],
    });
    expect(
      (await asStaff(`{ customers(first: 5, after: "${cursor(customers[29]!.id)}") { nodes { id } } }`)).data
        .customers,
    ).toEqual({ nodes: [] });
  });

  test.each([
    'nonsense',
    Buffer.from('GPC:S:1').toString('base64'),
    Buffer.from("GPC:S:' OR 1=1").toString('base64'),
    '',
  ])('are refused for the cursor %j.', async (cursor) => {
    const { ask, first } = await crowd();
    for (const list of [
      `customers(first: 5, after: "${cursor}") { nodes { id } }`,
      `customer(id: "${first}") { bookings(last: 5, before: "${cursor}") { nodes { id } } }`,
    ]) {
      expect((await ask(`{ ${list} }`)).errors).toEqual([
        expect.stringMatching(/^Invalid cursor|Must be a cursor that this list gave out/),
      ]);
    }
  });
});

describe('totalCount', () => {
  test('counts the list with its filter, whatever page is asked for, for each parent and each alias.', async () => {
    const { ask, customers } = await crowd();
    const { data, errors } =
      await ask(`{ customers(first: 4, orderBy: { field: CREATED_AT, direction: ASC }) { totalCount nodes { id
      all: bookings(first: 1) { totalCount nodes { id } }
      cancelled: bookings(first: 2, filter: { status: { eq: CANCELLED } }) { totalCount }
      none: bookings(filter: { status: { eq: NO_SHOW } }) { totalCount nodes { id } }
      activities(types: [CUSTOMER_CREATED]) { totalCount } } } }`);
    expect(errors).toBeUndefined();
    const { totalCount, nodes } = data.customers as {
      totalCount: number;
      nodes: Record<string, { totalCount: number; nodes: unknown[] }>[];
    };
    expect(totalCount).toBe(30);
    const counts = nodes.map((node) =>
      [node.all, node.cancelled, node.none, node.activities].map((list) => list?.totalCount),
    );
    // The first two customers of the crowd, by turns, have everything: one of them on even rows, the other on odd ones.
    const expected: Record<string, number[]> = {
      [encodeId('Customer', customers[0]!.id)]: [30, 6, 0, 0],
      [encodeId('Customer', customers[1]!.id)]: [30, 6, 0, 30],
    };
    expect(nodes.map(({ id }) => expected[String(id)] ?? [0, 0, 0, 0])).toEqual(counts);
    expect(counts.flat().some((count) => count === 30)).toBe(true);
    expect(nodes.map(({ all }) => all?.nodes.length)).toEqual(counts.map(([all]) => Math.min(all!, 1)));
  });

  test('is the same on every page, and reads no page when nothing else is asked for.', async () => {
    const { ask, first } = await crowd();
    const page = (
      await ask(`{ customer(id: "${first}") { bookings(first: 20) { pageInfo { endCursor } } } }`)
    ).data.customer as { bookings: Page };
    const { result, statements } = await watchStatements(() =>
      ask(
        `{ customer(id: "${first}") { bookings(first: 20, after: "${page.bookings.pageInfo.endCursor}") { totalCount } } }`,
      ),
    );
    expect(result.data.customer).toEqual({ bookings: { totalCount: 30 } });
    expect(statements.map(({ text }) => /COUNT/.test(text))).toEqual([false, false, true]);
    const again = await ask(
      `{ customer(id: "${first}") { bookings(first: 20, after: "${page.bookings.pageInfo.endCursor}") { totalCount nodes { id } } } }`,
    );
    expect((again.data.customer as { bookings: Page }).bookings).toMatchObject({
      totalCount: 30,
      nodes: { length: 10 },
    });
  });
});
