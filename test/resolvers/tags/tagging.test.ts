import { expect, test } from 'vitest';
import type { Context } from '../../../src/core/context.ts';
import { NotFound, Refused } from '../../../src/core/errors.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';
import { deleteCustomer } from '../../../src/resolvers/customers/deleteCustomer.ts';
import { addTags } from '../../../src/resolvers/tags/addTags.ts';
import { createTag } from '../../../src/resolvers/tags/createTag.ts';
import { removeTags } from '../../../src/resolvers/tags/removeTags.ts';
import { atOnce, createWorkspace, openTestDatabase, refused } from '../../support/context.ts';

const db = await openTestDatabase();

async function customersOf(ctx: Context, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++)
    ids.push(encodeId('Customer', (await createCustomer(ctx, { firstName: `C${n}` })).id));
  return ids;
}

/** `customer: tag, tag` for every customer with tags. */
async function worn(ctx: Context): Promise<string[]> {
  const rows = await db.customerTag.findMany({
    where: { workspaceId: ctx.workspace.id },
    include: { tag: true, customer: true },
    orderBy: [{ customer: { sortName: 'asc' } }, { tag: { slug: 'asc' } }],
  });
  return rows.map(({ tag, customer }) => `${customer.firstName} ${tag.name}`);
}

test('Tags are put on by name or id, made when new, and the customers come back in the order of the input.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('MARKETING');
  const [a, b] = (await customersOf(ctx, 2)) as [string, string];
  const vip = await createTag(ctx, { name: 'VIP' });
  const customers = await addTags(ctx, {
    customerIds: [b, a, b],
    tags: [encodeId('Tag', vip.id), 'vip', ' New  tag', 'NEW TAG'],
  });
  expect(customers.map(({ id }) => encodeId('Customer', id))).toEqual([b, a, b]);
  expect(await worn(ctx)).toEqual(['C0 New tag', 'C0 VIP', 'C1 New tag', 'C1 VIP']);

  const events = (await shop.events()).filter(({ type }) => type.startsWith('tag.'));
  expect(events.map(({ type }) => type)).toEqual([
    'tag.created',
    'tag.created',
    'tag.added',
    'tag.added',
    'tag.added',
    'tag.added',
  ]);
  expect(events.filter(({ subjectId, customerId }) => subjectId === vip.id && customerId)).toMatchObject(
    Array.from({ length: 2 }, () => ({ data: { tagId: encodeId('Tag', vip.id), tagName: 'VIP' } })),
  );
  const [row] = await db.customerTag.findMany({ where: { tagId: vip.id } });
  expect(row).toMatchObject({ taggedById: (ctx.viewer as { id: string }).id, taggedAt: shop.clock.now() });
});

test('A tag that is there already is no event, and one that is not there is taken off without one.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const [a, b] = (await customersOf(ctx, 2)) as [string, string];
  await addTags(ctx, { customerIds: [a], tags: ['x'] });
  await addTags(ctx, { customerIds: [a, b], tags: ['x'] });
  await addTags(ctx, { customerIds: [a, b], tags: ['X'] });
  expect(await shop.events('tag.added')).toHaveLength(2);
  expect(await shop.events('tag.created')).toHaveLength(1);

  await removeTags(ctx, { customerIds: [b], tags: ['x'] });
  const customers = await removeTags(ctx, { customerIds: [b, a], tags: ['x', 'never heard of'] });
  expect(customers.map(({ id }) => encodeId('Customer', id))).toEqual([b, a]);
  await removeTags(ctx, { customerIds: [a, b], tags: ['x'] });
  const removed = await shop.events('tag.removed');
  expect(removed.map(({ customerId }) => encodeId('Customer', customerId as string))).toEqual([b, a]);
  expect(removed[0]).toMatchObject({ data: { tagName: 'x' } });
  expect(await worn(ctx)).toEqual([]);
  expect(await db.tag.count({ where: { workspaceId: shop.workspace.id } })).toBe(1);
});

test('A hundred customers get twenty new tags in one call.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const customerIds = await customersOf(ctx, 100);
  const tags = Array.from({ length: 20 }, (_, n) => `tag ${n}`);
  await addTags(ctx, { customerIds, tags });
  expect(await shop.events('tag.added')).toHaveLength(2_000);
  await removeTags(ctx, { customerIds, tags });
  expect(await shop.events('tag.removed')).toHaveLength(2_000);
  const [another] = (await customersOf(ctx, 1)) as [string];
  expect(
    await refused(ctx, () => addTags(ctx, { customerIds: [...customerIds, another], tags })),
  ).toMatchObject({ issues: [{ path: 'customerIds' }] });
  expect(await refused(ctx, () => addTags(ctx, { customerIds, tags: [...tags, 'more'] }))).toMatchObject({
    issues: [{ path: 'tags' }],
  });
});

test('It is all or nothing: one customer or tag that the caller cannot see, and nobody gets any tag.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const [a, gone] = (await customersOf(ctx, 2)) as [string, string];
  const elsewhere = await (await createWorkspace(db)).asUser('ADMIN');
  const [foreign] = (await customersOf(elsewhere, 1)) as [string];
  const foreignTag = encodeId('Tag', (await createTag(elsewhere, { name: 'x' })).id);
  await deleteCustomer(ctx, { id: gone });
  for (const run of [addTags, removeTags]) {
    for (const id of [foreign, gone, encodeId('Customer', newId())]) {
      expect(await refused(ctx, () => run(ctx, { customerIds: [a, id], tags: ['new'] }))).toMatchObject({
        code: 'NOT_FOUND',
        id,
      });
    }
    expect(await refused(ctx, () => run(ctx, { customerIds: [a], tags: ['new', foreignTag] }))).toMatchObject(
      { id: foreignTag },
    );
    expect(await refused(ctx, () => run(ctx, { customerIds: [], tags: [] }))).toMatchObject({
      issues: [{ path: 'customerIds' }, { path: 'tags' }],
    });
    expect(await refused(ctx, () => run(ctx, { customerIds: [a, 'x'], tags: ['ok', ''] }))).toMatchObject({
      issues: [{ path: 'customerIds.1' }, { path: 'tags.1' }],
    });
  }
});

test('Who may assign tags but not make them puts on those that there are.', async () => {
  const shop = await createWorkspace(db);
  const admin = await shop.asUser('ADMIN');
  const sales = await shop.asUser('SALES');
  const [hers] = (await customersOf(sales, 1)) as [string];
  const [others] = (await customersOf(admin, 1)) as [string];
  await createTag(admin, { name: 'known' });
  await addTags(sales, { customerIds: [hers], tags: ['Known'] });
  expect(await worn(admin)).toEqual(['C0 known']);
  expect(
    await refused(admin, () => addTags(sales, { customerIds: [hers], tags: ['known', 'new'] })),
  ).toMatchObject({
    code: 'FORBIDDEN',
    details: { permission: 'tags.write' },
  });
  expect(
    await refused(admin, () => addTags(sales, { customerIds: [hers, others], tags: ['known'] })),
  ).toBeInstanceOf(NotFound);
  for (const run of [addTags, removeTags]) {
    const viewer = await shop.asUser('VIEWER');
    expect(await refused(admin, () => run(viewer, { customerIds: [hers], tags: ['known'] }))).toBeInstanceOf(
      Refused,
    );
  }
});

test('Twenty calls at once with a new tag make it once and put it on once.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const [a, b, c] = (await customersOf(ctx, 3)) as [string, string, string];
  await atOnce(20, (n) =>
    addTags(ctx, {
      customerIds: n % 2 ? [a, b, c] : [c, b, a],
      tags: n % 2 ? ['one', 'two'] : ['Two', 'ONE'],
    }),
  );
  expect(await shop.events('tag.created')).toHaveLength(2);
  expect(await shop.events('tag.added')).toHaveLength(6);
  await atOnce(20, (n) =>
    (n % 2 ? addTags : removeTags)(ctx, { customerIds: n % 3 ? [a, b, c] : [c, b, a], tags: ['one', 'two'] }),
  );
  const balance = (await shop.events('tag.added')).length - (await shop.events('tag.removed')).length;
  expect(await worn(ctx)).toHaveLength(balance);
});
