import { graphql } from 'graphql';
import { expect, test } from 'vitest';
import { openLocalBus } from '../../src/core/bus.ts';
import { encodeId, newId } from '../../src/core/ids.ts';
import { openEventLog } from '../../src/events/log.ts';
import { createCustomer } from '../../src/resolvers/customers/createCustomer.ts';
import { addTags } from '../../src/resolvers/tags/addTags.ts';
import { schema } from '../../src/schema/schema.ts';
import { createWorkspace, openTestDatabase, readerOf } from '../support/context.ts';

const db = await openTestDatabase();
const eventLog = openEventLog(db, readerOf(db), openLocalBus());

/** Ada, who is tagged and owned, and Bob, who is neither. */
async function aShop() {
  const shop = await createWorkspace(db);
  const admin = await shop.asUser('ADMIN');
  const owner = encodeId('User', (admin.viewer as { id: string }).id);
  const made = {
    ada: await createCustomer(admin, { firstName: 'Ada', email: 'ada@example.com', ownerId: owner }),
    bob: await createCustomer(admin, { firstName: 'Bob', email: 'bob@example.com' }),
  };
  await addTags(admin, { customerIds: [encodeId('Customer', made.ada.id)], tags: ['regular'] });
  const tag = encodeId(
    'Tag',
    (await db.tag.findFirstOrThrow({ where: { workspaceId: shop.workspace.id } })).id,
  );
  const ask = async (source: string, variableValues: Record<string, unknown> = {}) => {
    const result = await graphql({ schema, source, variableValues, contextValue: { ...admin, eventLog } });
    return result.errors
      ? result.errors.map(({ message }) => message)
      : (Object.values(result.data as object)[0] as { nodes: { firstName: string }[] });
  };
  const names = async (filter: Record<string, unknown>) => {
    const found = await ask(
      'query ($filter: CustomerFilter) { customers(filter: $filter) { nodes { firstName } } }',
      { filter },
    );
    return Array.isArray(found) ? found : found.nodes.map(({ firstName }) => firstName).sort();
  };
  return { owner, tag, ask, names };
}

test('A filter without a condition is none.', async () => {
  const { names } = await aShop();
  const nothing = [
    {},
    ...['email', 'ownerId', 'teamId', 'tagId', 'lifecycleStage', 'createdAt'].flatMap((field) => [
      { [field]: null },
      { [field]: {} },
    ]),
  ];
  for (const filter of [
    ...nothing,
    { tagId: { eq: null, in: null } },
    { email: { eq: null } },
    { createdAt: { gte: null } },
  ]) {
    expect([filter, await names(filter)]).toEqual([filter, ['Ada', 'Bob']]);
  }
});

test('Every condition given must hold.', async () => {
  const { owner, tag, names } = await aShop();
  const other = encodeId('User', newId());
  const cases: [Record<string, unknown>, string[]][] = [
    [{ ownerId: { eq: owner } }, ['Ada']],
    [{ ownerId: { in: [owner, other] } }, ['Ada']],
    [{ ownerId: { eq: owner, in: [other] } }, []],
    [{ ownerId: { eq: owner, in: [other, owner] } }, ['Ada']],
    [{ ownerId: { eq: encodeId('Team', newId()) } }, []],
    [{ ownerId: { eq: 'nonsense' } }, []],
    [{ ownerId: { in: [] } }, []],
    [{ tagId: { eq: tag } }, ['Ada']],
    [{ tagId: { in: [] } }, []],
    [{ tagId: { eq: tag }, email: { eq: 'bob@example.com' } }, []],
    [{ email: { in: ['bob@example.com', 'nobody@example.com'] } }, ['Bob']],
    [{ email: { eq: 'ada@example.com', in: ['bob@example.com'] } }, []],
    [{ email: { in: [] } }, []],
    [{ lifecycleStage: { in: ['NEW', 'LEAD'] } }, ['Ada', 'Bob']],
    [{ createdAt: { gte: '2026-11-23T09:00:00Z', lte: '2026-11-23T09:00:00Z' } }, ['Ada', 'Bob']],
    [{ createdAt: { gt: '2026-11-23T09:00:00Z' } }, []],
    [{ createdAt: { lt: '2026-11-23T09:00:00Z' } }, []],
  ];
  for (const [filter, found] of cases) expect([filter, await names(filter)]).toEqual([filter, found]);
});

test('What the database could not be asked about is refused with a reason.', async () => {
  const { names } = await aShop();
  const many = Array.from({ length: 101 }, () => 'x');
  for (const [filter, reason] of [
    [{ email: { eq: 'a\0' } }, /NUL/],
    [{ phone: { in: ['\0'] } }, /NUL/],
    [{ createdAt: { gt: '0000-01-01T00:00:00Z' } }, /year 0/],
    [{ email: { in: many } }, /at most 100/],
    [{ ownerId: { in: many } }, /at most 100/],
  ] as const) {
    expect(await names(filter)).toEqual([expect.stringMatching(reason)]);
  }
  for (const filter of [
    { email: { eq: '\ud800' } },
    { createdAt: { lt: '0001-01-01T00:00:00Z' } },
    { createdAt: { gt: '9999-12-31T23:59:59Z' } },
  ]) {
    expect(await names(filter)).toEqual([]);
  }
});

test('A list of types may name one as often as it likes.', async () => {
  const { ask } = await aShop();
  const types = Array.from({ length: 70_000 }, () => 'CUSTOMER_CREATED');
  expect(
    await ask('query ($types: [ActivityType!]) { activities(types: $types) { nodes { id } } }', { types }),
  ).toEqual({ nodes: [] });
});
