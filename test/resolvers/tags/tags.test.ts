import { expect, test } from 'vitest';
import { AlreadyExists, InvalidInput, NotFound, Refused } from '../../../src/core/errors.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';
import { addTags } from '../../../src/resolvers/tags/addTags.ts';
import { createTag } from '../../../src/resolvers/tags/createTag.ts';
import { deleteTag } from '../../../src/resolvers/tags/deleteTag.ts';
import { updateTag } from '../../../src/resolvers/tags/updateTag.ts';
import { atOnce, createWorkspace, openTestDatabase, refused } from '../../support/context.ts';

const db = await openTestDatabase();

test('A tag is made with its name single-spaced, its colour in lower case and its maker.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('MARKETING');
  const tag = await createTag(ctx, { name: '  Très   VIP ', color: '#1E90FF', description: 'The best' });
  expect(tag).toMatchObject({
    name: 'Très VIP',
    slug: 'tres vip',
    color: '#1e90ff',
    description: 'The best',
  });
  expect(tag.createdById).toBe((ctx.viewer as { id: string }).id);
  expect((await createTag(await shop.asKey('ADMIN'), { name: 'By key' })).createdById).toBeNull();
  expect(await shop.events()).toMatchObject([
    { type: 'tag.created', subjectId: tag.id, customerId: null, data: { name: 'Très VIP' } },
    { type: 'tag.created' },
  ]);
});

test('Two tags of a workspace never differ by case or accents alone.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  await createTag(ctx, { name: 'Été' });
  const other = await createTag(ctx, { name: 'Hiver' });
  expect(await refused(ctx, () => createTag(ctx, { name: 'ETE' }))).toBeInstanceOf(AlreadyExists);
  expect(
    await refused(ctx, () => updateTag(ctx, { id: encodeId('Tag', other.id), name: 'ete' })),
  ).toMatchObject({ field: 'name' });
  await createTag(await (await createWorkspace(db)).asUser('ADMIN'), { name: 'ete' });
});

test.each([
  ['is empty', ' '],
  ['is too long', 'x'.repeat(101)],
  ['is nothing but an accent', '\u0301'],
  ['looks like an id', encodeId('Tag', newId())],
  ['holds a NUL', 'a\0b'],
])('A name that %s is refused.', async (_, name) => {
  const ctx = await (await createWorkspace(db)).asUser('ADMIN');
  expect(await refused(ctx, () => createTag(ctx, { name }))).toMatchObject({ issues: [{ path: 'name' }] });
});

test('A colour is #rrggbb.', async () => {
  const ctx = await (await createWorkspace(db)).asUser('ADMIN');
  for (const color of ['red', '#fff', '1e90ff', '#1e90fg']) {
    expect(await refused(ctx, () => createTag(ctx, { name: 'x', color }))).toMatchObject({
      issues: [{ path: 'color' }],
    });
  }
});

test('An update changes and clears what is sent; a change of nothing leaves no event.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const { id: uuid } = await createTag(ctx, { name: 'vip', color: '#000000' });
  const id = encodeId('Tag', uuid);
  expect(await updateTag(ctx, { id, name: 'VIP', color: null })).toMatchObject({
    name: 'VIP',
    slug: 'vip',
    color: null,
  });
  await updateTag(ctx, { id, name: 'VIP' });
  expect(await updateTag(ctx, { id, name: 'Gold' })).toMatchObject({ slug: 'gold' });
  expect(await shop.events('tag.updated')).toMatchObject([
    { data: { name: 'VIP' }, changes: { name: ['vip', 'VIP'], color: ['#000000', null] } },
    { data: { name: 'Gold' }, changes: { name: ['VIP', 'Gold'] } },
  ]);
});

test('A deleted tag is off every customer, and their timelines still tell of it.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const customer = await createCustomer(ctx, { firstName: 'Ada' });
  await addTags(ctx, { customerIds: [encodeId('Customer', customer.id)], tags: ['vip', 'kept'] });
  const tag = await db.tag.findFirstOrThrow({ where: { workspaceId: shop.workspace.id, slug: 'vip' } });
  const id = encodeId('Tag', tag.id);
  expect(await deleteTag(ctx, { id })).toMatchObject({ id: tag.id, name: 'vip' });
  expect(await db.customerTag.count({ where: { customerId: customer.id } })).toBe(1);
  expect(await db.tag.count({ where: { workspaceId: shop.workspace.id } })).toBe(1);
  expect(await shop.events('tag.added')).toHaveLength(2);
  expect(await shop.events('tag.deleted')).toMatchObject([
    { subjectId: tag.id, customerId: null, data: { name: 'vip' } },
  ]);
  expect(await refused(ctx, () => deleteTag(ctx, { id }))).toBeInstanceOf(NotFound);
  await createTag(ctx, { name: 'VIP' });
});

test('A tag that is deleted while others put it on customers leaves neither a loose end nor a bug.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const customers = await atOnce(5, (n) => createCustomer(ctx, { firstName: `C${n}` }));
  const id = encodeId('Tag', (await createTag(ctx, { name: 'vip' })).id);
  const outcomes = await Promise.allSettled([
    ...customers.map((customer) =>
      addTags(ctx, { customerIds: [encodeId('Customer', customer.id)], tags: [id] }),
    ),
    deleteTag(ctx, { id }),
    ...customers.map((customer) =>
      addTags(ctx, { customerIds: [encodeId('Customer', customer.id)], tags: [id] }),
    ),
  ]);
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(NotFound);
  expect(outcomes[5]?.status).toBe('fulfilled');
  expect(await db.customerTag.count({ where: { workspaceId: shop.workspace.id } })).toBe(0);
});

test('Unknown tags and callers without the right are refused.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const foreign = encodeId(
    'Tag',
    (await createTag(await (await createWorkspace(db)).asUser('ADMIN'), { name: 'x' })).id,
  );
  const mine = encodeId('Tag', (await createTag(ctx, { name: 'x' })).id);
  for (const id of [foreign, encodeId('Tag', newId())]) {
    expect(await refused(ctx, () => updateTag(ctx, { id, name: 'y' }))).toMatchObject({ id });
    expect(await refused(ctx, () => deleteTag(ctx, { id }))).toMatchObject({ id });
  }
  expect(await refused(ctx, () => updateTag(ctx, { id: mine, name: null }))).toBeInstanceOf(InvalidInput);
  const sales = await shop.asUser('SALES');
  for (const run of [
    () => createTag(sales, { name: 'y' }),
    () => updateTag(sales, { id: mine, name: 'y' }),
    () => deleteTag(sales, { id: mine }),
  ]) {
    expect(await refused(ctx, run)).toBeInstanceOf(Refused);
  }
});

test('With an idempotency key, twenty calls at once make one tag.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const tags = await atOnce(20, () => createTag(ctx, { name: 'vip', idempotencyKey: 'one' }));
  expect(new Set(tags.map(({ id }) => id)).size).toBe(1);
  expect(await shop.events()).toHaveLength(1);
});
