import { beforeEach, expect, test } from 'vitest';
import type { Context } from '../../../src/core/context.ts';
import { encodeId } from '../../../src/core/ids.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';
import { updateCustomer } from '../../../src/resolvers/customers/updateCustomer.ts';
import { createSegment } from '../../../src/resolvers/segments/createSegment.ts';
import { createTagRule } from '../../../src/resolvers/tagRules/createTagRule.ts';
import { deleteTagRule } from '../../../src/resolvers/tagRules/deleteTagRule.ts';
import { updateTagRule } from '../../../src/resolvers/tagRules/updateTagRule.ts';
import { addTags } from '../../../src/resolvers/tags/addTags.ts';
import { createTag } from '../../../src/resolvers/tags/createTag.ts';
import { deleteTag } from '../../../src/resolvers/tags/deleteTag.ts';
import { updateTag } from '../../../src/resolvers/tags/updateTag.ts';
import { createWorkspace, openTestDatabase, refused, type TestWorkspace } from '../../support/context.ts';
import { type RunningReaders, runReaders } from '../../support/readers.ts';

const db = await openTestDatabase();
let shop: TestWorkspace;
let admin: Context;
let readers: RunningReaders;

beforeEach(async () => {
  shop = await createWorkspace(db, { with: { committed: () => readers.committed() } });
  readers = runReaders(db, shop.clock);
  admin = await shop.asUser('ADMIN');
});

const settled = () => readers.settled(shop.workspace.id);
const customer = async (more: Record<string, unknown> = {}) =>
  encodeId('Customer', (await createCustomer(admin, { firstName: 'Ada', ...more })).id);
const tag = async (name: string, exclusiveGroup?: string) =>
  encodeId('Tag', (await createTag(admin, { name, exclusiveGroup })).id);
const rule = async (name: string, tagId: string, criteria: unknown, more: Record<string, unknown> = {}) =>
  encodeId('TagRule', (await createTagRule(admin, { name, tagId, criteria, ...more })).id);
const worn = async () => {
  const rows = await db.customerTag.findMany({
    where: { workspaceId: shop.workspace.id },
    include: { tag: true },
    orderBy: { tag: { name: 'asc' } },
  });
  return rows.map(({ tag, customerId }) => `${tag.name} ${encodeId('Customer', customerId)}`);
};
const isVip = { field: 'vip', operator: 'equals', value: true };
const stage = (value: string) => ({ field: 'lifecycle_stage', operator: 'equals', value });

test('a rule puts its tag on those who are there and on whoever meets it later, takes it off again, and tells of both', async () => {
  const [ada, bob] = [await customer({ vip: true }), await customer()];
  await rule('VIPs', await tag('VIP'), isVip);
  await settled();
  expect(await worn()).toEqual([`VIP ${ada}`]);
  await updateCustomer(admin, { id: bob, vip: true });
  await settled();
  await updateCustomer(admin, { id: ada, vip: false });
  await settled();
  expect(await worn()).toEqual([`VIP ${bob}`]);
  const told = (await shop.events()).filter(({ type }) => /^tag\.(added|removed)$/.test(type));
  expect(told.map(({ type, data }) => [type, (data as { tagName: string }).tagName])).toEqual([
    ['tag.added', 'VIP'],
    ['tag.added', 'VIP'],
    ['tag.removed', 'VIP'],
  ]);
});

test('a rule that does not remove leaves its tag; a rule that is off or deleted does nothing', async () => {
  const ada = await customer({ vip: true });
  const id = await rule('VIPs', await tag('VIP'), isVip, { removes: false });
  await settled();
  await updateCustomer(admin, { id: ada, vip: false });
  await settled();
  expect(await worn()).toEqual([`VIP ${ada}`]);
  await updateTagRule(admin, { id, active: false });
  const bob = await customer({ vip: true });
  await settled();
  expect(await worn()).toEqual([`VIP ${ada}`]);
  await updateTagRule(admin, { id, active: true });
  await settled();
  expect(await worn()).toEqual([`VIP ${ada}`, `VIP ${bob}`].sort());
  await deleteTagRule(admin, { id });
  await customer({ vip: true });
  await settled();
  expect(await worn()).toHaveLength(2);
});

test('nobody ever wears two tags of one exclusive group: the first rule that holds wins, and by hand the last tag does', async () => {
  const [hot, warm, cold] = [await tag('Hot', 'heat'), await tag('Warm', 'heat'), await tag('Cold', 'heat')];
  const everybody = { field: 'first_name', operator: 'is_set' };
  await rule('hot', hot, stage('LOYAL'), { priority: 1 });
  await rule('warm', warm, { match: 'any', conditions: [stage('LOYAL'), stage('LEAD')] }, { priority: 2 });
  await rule('cold', cold, everybody, { priority: 3 });
  const ada = await customer({ lifecycleStage: 'LEAD' });
  await settled();
  expect(await worn()).toEqual([`Warm ${ada}`]);
  for (const [lifecycleStage, name] of [
    ['LOYAL', 'Hot'],
    ['NEW', 'Cold'],
    ['LEAD', 'Warm'],
  ]) {
    await updateCustomer(admin, { id: ada, lifecycleStage });
    await settled();
    expect(await worn()).toEqual([`${name} ${ada}`]);
  }
  const [red, blue] = [await tag('Red', 'colour'), await tag('Blue', 'colour')];
  await addTags(admin, { customerIds: [ada], tags: [red] });
  await addTags(admin, { customerIds: [ada], tags: [blue] });
  expect(await worn()).toEqual([`Blue ${ada}`, `Warm ${ada}`]);
  await settled();
  expect(await refused(admin, () => addTags(admin, { customerIds: [ada], tags: [red, blue] }))).toMatchObject(
    {
      issues: [{ path: 'tags', message: 'A customer wears one tag of the group colour at most.' }],
    },
  );
  // The database itself refuses a second one.
  const both = { workspaceId: shop.workspace.id, customerId: (await db.customer.findFirstOrThrow()).id };
  const tagId = (await db.tag.findFirstOrThrow({ where: { name: 'Red', workspaceId: shop.workspace.id } }))
    .id;
  const ofAda = await db.customerTag.findFirstOrThrow({ where: { workspaceId: shop.workspace.id } });
  await expect(
    db.customerTag.create({ data: { ...both, customerId: ofAda.customerId, tagId } }),
  ).rejects.toThrow('customer_tag_one_of_group');
});

test('a group that some customers already wear twice cannot be made', async () => {
  const ada = await customer();
  const [one, two] = [await tag('One', 'number'), await tag('Two')];
  await addTags(admin, { customerIds: [ada], tags: [one, two] });
  await settled();
  expect(await refused(admin, () => updateTag(admin, { id: two, exclusiveGroup: 'number' }))).toMatchObject({
    code: 'INVALID_STATE',
  });
});

test('a tag that would depend on itself is refused, by way of rules and segments too', async () => {
  const [a, b] = [await tag('A'), await tag('B')];
  const wears = (value: string) => ({ field: 'tags', operator: 'not_contains', value });
  await rule('b by a', b, wears(a));
  const { id } = await createSegment(admin, {
    name: 'With B',
    criteria: { field: 'tags', operator: 'contains', value: b },
  });
  const inSegment = { field: 'segments', operator: 'contains', value: encodeId('Segment', id) };
  await settled();
  for (const criteria of [wears(a), wears(b), inSegment])
    expect(await refused(admin, () => createTagRule(admin, { name: 'x', tagId: a, criteria }))).toMatchObject(
      {
        issues: [{ path: 'criteria', message: `Whether the tag ${a} is put on would depend on itself.` }],
      },
    );
  expect(await refused(admin, () => deleteTag(admin, { id: b }))).toMatchObject({
    message: 'The tag rule b by a puts this tag on.',
  });
});
