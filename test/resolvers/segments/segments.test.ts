import { beforeEach, describe, expect, test } from 'vitest';
import type { Context } from '../../../src/core/context.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';
import { addSegmentMembers } from '../../../src/resolvers/segments/addSegmentMembers.ts';
import { createSegment } from '../../../src/resolvers/segments/createSegment.ts';
import { deleteSegment } from '../../../src/resolvers/segments/deleteSegment.ts';
import { duplicateSegment } from '../../../src/resolvers/segments/duplicateSegment.ts';
import { previewSegment } from '../../../src/resolvers/segments/previewSegment.ts';
import { removeSegmentMembers } from '../../../src/resolvers/segments/removeSegmentMembers.ts';
import { updateSegment } from '../../../src/resolvers/segments/updateSegment.ts';
import { createTag } from '../../../src/resolvers/tags/createTag.ts';
import {
  atOnce,
  createWorkspace,
  openTestDatabase,
  refused,
  type TestWorkspace,
} from '../../support/context.ts';

const db = await openTestDatabase();
let shop: TestWorkspace;
let admin: Context;
beforeEach(async () => {
  shop = await createWorkspace(db);
  admin = await shop.asUser('ADMIN');
});

const vip = { field: 'vip', operator: 'equals', value: true };
const customer = async (more: Record<string, unknown> = {}) =>
  encodeId('Customer', (await createCustomer(admin, { firstName: 'Ada', ...more })).id);
const id = ({ id: uuid }: { id: string }) => encodeId('Segment', uuid);

describe('createSegment', () => {
  test('makes a dynamic segment that waits to be worked out, and says so in the log', async () => {
    const segment = await createSegment(admin, { name: ' VIPs ', criteria: vip });
    expect(segment).toMatchObject({
      name: 'VIPs',
      kind: 'DYNAMIC',
      stale: true,
      criteria: { version: 1, ...vip },
    });
    expect(await shop.events('segment.created')).toMatchObject([{ data: { name: 'VIPs' } }]);
  });

  test('keeps tags by id, whatever case they are named in', async () => {
    const tag = encodeId('Tag', (await createTag(admin, { name: 'Gold' })).id);
    const criteria = { field: 'tags', operator: 'in_list', value: ['GOLD', tag] };
    expect(await createSegment(admin, { name: 'x', criteria })).toMatchObject({
      criteria: { value: [tag, tag] },
    });
  });

  test('refuses what it cannot read or find, and leaves nothing behind', async () => {
    const make = (input: Record<string, unknown>) =>
      refused(admin, () => createSegment(admin, { name: 'x', ...input }));
    const nobody = encodeId('Segment', newId());
    const tag = { field: 'tags', operator: 'contains', value: 'Gold' };
    expect(await make({})).toMatchObject({
      issues: [{ path: 'criteria', message: 'A DYNAMIC segment needs them.' }],
    });
    expect(await make({ kind: 'STATIC', criteria: vip })).toMatchObject({ issues: [{ path: 'criteria' }] });
    expect(
      await make({ criteria: { match: 'all', conditions: [vip, { field: 'vip', operator: 'is' }] } }),
    ).toMatchObject({
      issues: [{ path: 'criteria.conditions.1.operator' }],
    });
    expect(await make({ criteria: tag })).toMatchObject({
      issues: [{ path: 'criteria.value', message: 'No tag has the name Gold.' }],
    });
    expect(
      await make({ criteria: { field: 'segments', operator: 'contains', value: nobody } }),
    ).toMatchObject({
      issues: [{ path: 'criteria.value', message: `Nothing that you can see has the id ${nobody}.` }],
    });
    const other = await createWorkspace(db);
    const theirs = id(await createSegment(await other.asUser('ADMIN'), { name: 'x', kind: 'STATIC' }));
    expect(
      await make({ criteria: { field: 'segments', operator: 'contains', value: theirs } }),
    ).toMatchObject({ code: 'INVALID_INPUT' });
    await createSegment(admin, { name: 'Taken', criteria: vip });
    expect(await make({ name: 'Taken', criteria: vip })).toMatchObject({
      code: 'ALREADY_EXISTS',
      field: 'name',
    });
  });

  test('refuses to ask for what the viewer may not see', async () => {
    const marketing = await shop.asUser('MARKETING');
    const criteria = { field: 'total_spent', operator: 'at_least', value: 1 };
    expect(await refused(marketing, () => createSegment(marketing, { name: 'x', criteria }))).toMatchObject({
      code: 'FORBIDDEN',
    });
    await expect(previewSegment(marketing, criteria)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  test('is done once for one idempotency key', async () => {
    const input = { name: 'Once', criteria: vip, idempotencyKey: 'k' };
    const made = await atOnce(5, () => createSegment(admin, input));
    expect(new Set(made.map((one) => one.id)).size).toBe(1);
    expect(await shop.events('segment.created')).toHaveLength(1);
  });
});

test('updateSegment has new criteria worked out anew, and a new name not', async () => {
  const segment = await createSegment(admin, { name: 'a', criteria: vip });
  await db.segment.update({ where: { id: segment.id }, data: { stale: false } });
  expect(await updateSegment(admin, { id: id(segment), name: 'b', criteria: vip })).toMatchObject({
    name: 'b',
    stale: false,
  });
  expect(await updateSegment(admin, { id: id(segment), criteria: { ...vip, value: false } })).toMatchObject({
    stale: true,
  });
});

test('a static segment holds whom it is given, tells of each, and its copy takes them along', async () => {
  const [ada, bob] = [await customer(), await customer()];
  const audience = await createSegment(admin, { name: 'Audience', kind: 'STATIC' });
  const input = { id: id(audience), customerIds: [ada, bob] };
  expect(await addSegmentMembers(admin, input)).toMatchObject({ memberCount: 2 });
  expect(await addSegmentMembers(admin, input)).toMatchObject({ memberCount: 2 });
  expect(await shop.events('segment.joined')).toHaveLength(2);
  expect(await duplicateSegment(admin, { id: id(audience), name: 'Copy' })).toMatchObject({
    kind: 'STATIC',
    memberCount: 2,
  });
  expect(await removeSegmentMembers(admin, { ...input, customerIds: [ada] })).toMatchObject({
    memberCount: 1,
  });
  expect(await shop.events('segment.left')).toHaveLength(1);
  const missing = encodeId('Customer', newId());
  expect(
    await refused(admin, () => addSegmentMembers(admin, { ...input, customerIds: [ada, missing] })),
  ).toMatchObject({ code: 'NOT_FOUND', id: missing });
  const dynamic = await createSegment(admin, { name: 'Dynamic', criteria: vip });
  expect(await refused(admin, () => addSegmentMembers(admin, { ...input, id: id(dynamic) }))).toMatchObject({
    code: 'INVALID_STATE',
  });
});

test('deleteSegment takes its members and history along, and is refused while other criteria ask for it', async () => {
  const audience = await createSegment(admin, { name: 'Audience', kind: 'STATIC' });
  await addSegmentMembers(admin, { id: id(audience), customerIds: [await customer()] });
  const criteria = { not: { field: 'segments', operator: 'contains', value: id(audience) } };
  const user = await createSegment(admin, { name: 'Others', criteria });
  expect(await refused(admin, () => deleteSegment(admin, { id: id(audience) }))).toMatchObject({
    message: 'The criteria of Others ask for this segment.',
  });
  await deleteSegment(admin, { id: id(user) });
  await deleteSegment(admin, { id: id(audience) });
  expect(await db.segmentMember.count({ where: { workspaceId: shop.workspace.id } })).toBe(0);
  expect(await shop.events('segment.deleted')).toHaveLength(2);
});

test('nobody becomes a member of a segment that is gone', async () => {
  const made = await createSegment(admin, { name: 'Guests', kind: 'STATIC' });
  await customer();
  await deleteSegment(admin, { id: id(made) });
  const join = db.$executeRaw`INSERT INTO segment_member (workspace_id, segment_id, customer_id, joined_at, customer_created_at)
    SELECT workspace_id, ${made.id}::uuid, id, now(), created_at FROM customer WHERE workspace_id = ${shop.workspace.id}::uuid`;
  await expect(join).rejects.toMatchObject({
    meta: { driverAdapterError: { cause: { originalCode: '23503' } } },
  });
  expect(await db.segmentMember.count({ where: { segmentId: made.id } })).toBe(0);
});

describe('segmentPreview', () => {
  test('counts, shows some, and says it in words', async () => {
    const ids = [];
    for (let n = 0; n < 12; n++) ids.push(await customer({ vip: n > 0 }));
    const preview = await previewSegment(admin, vip);
    expect(preview).toMatchObject({ count: 11, sentence: 'VIP' });
    expect(preview.ids).toHaveLength(10);
  });

  test('counts only customers whom the viewer reaches', async () => {
    const manager = await shop.asUser('MANAGER', { rowScope: 'ASSIGNED' });
    await customer({ vip: true });
    const ownerId = encodeId('User', (manager.viewer as { id: string }).id);
    await customer({ vip: true, ownerId });
    expect(await previewSegment(manager, vip)).toMatchObject({ count: 1 });
  });

  test('gives up after five seconds, and says what to do instead', async () => {
    await db.$transaction(
      async (tx) => {
        await tx.$executeRaw`LOCK TABLE segment_member IN ACCESS EXCLUSIVE MODE`;
        const other = await createSegment(admin, { name: 'Guests', kind: 'STATIC' });
        const asking = previewSegment(admin, { field: 'segments', operator: 'contains', value: id(other) });
        await expect(asking).rejects.toMatchObject({
          code: 'UNAVAILABLE',
          message: expect.stringContaining('more than 5 seconds'),
        });
      },
      { timeout: 30_000 },
    );
  });

  test('says what is wrong with criteria, and where', async () => {
    await expect(previewSegment(admin, { field: 'vip' })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      details: { issues: [{ path: 'criteria.operator' }] },
    });
  });
});
