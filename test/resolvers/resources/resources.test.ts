import { expect, test } from 'vitest';
import { AlreadyExists, InvalidInput, NotFound, Refused } from '../../../src/core/errors.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { createResource } from '../../../src/resolvers/resources/createResource.ts';
import { updateResource } from '../../../src/resolvers/resources/updateResource.ts';
import { atOnce, createWorkspace, openTestDatabase, refused } from '../../support/context.ts';

const db = await openTestDatabase();
const room = { name: 'Blue room', kind: 'ROOM' };

test('A resource is added and changed, with an event each; a change of nothing leaves none.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('MANAGER');
  const resource = await createResource(ctx, room);
  expect(resource).toMatchObject({ ...room, active: true, workspaceId: shop.workspace.id });
  const id = encodeId('Resource', resource.id);
  expect(await updateResource(ctx, { id, kind: 'CHAIR', active: false })).toMatchObject({
    name: 'Blue room',
    kind: 'CHAIR',
    active: false,
  });
  await updateResource(ctx, { id, kind: 'CHAIR', active: false });
  await updateResource(ctx, { id });
  expect(await shop.events()).toMatchObject([
    { type: 'resource.created', subjectId: resource.id, data: { name: 'Blue room' } },
    {
      type: 'resource.updated',
      subjectId: resource.id,
      changes: { kind: ['ROOM', 'CHAIR'], active: [true, false] },
    },
  ]);
});

test('Malformed input, a name that is taken, an unknown resource and a caller without the right are refused.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  await createResource(ctx, room);
  const chair = encodeId('Resource', (await createResource(ctx, { name: 'Chair', kind: 'CHAIR' })).id);
  const foreign = await createResource(await (await createWorkspace(db)).asUser('ADMIN'), room);
  expect(await refused(ctx, () => createResource(ctx, { name: '', kind: 'BOAT' }))).toMatchObject({
    issues: [{ path: 'name' }, { path: 'kind' }],
  });
  expect(await refused(ctx, () => createResource(ctx, room))).toBeInstanceOf(AlreadyExists);
  expect(await refused(ctx, () => updateResource(ctx, { id: chair, name: room.name }))).toMatchObject({
    field: 'name',
  });
  expect(await refused(ctx, () => updateResource(ctx, { id: chair, kind: null }))).toBeInstanceOf(
    InvalidInput,
  );
  for (const uuid of [newId(), foreign.id]) {
    expect(
      await refused(ctx, () => updateResource(ctx, { id: encodeId('Resource', uuid), name: 'Mine' })),
    ).toBeInstanceOf(NotFound);
  }
  const viewer = await shop.asUser('VIEWER');
  expect(await refused(ctx, () => createResource(viewer, { name: 'New', kind: 'ROOM' }))).toBeInstanceOf(
    Refused,
  );
  expect(await refused(ctx, () => updateResource(viewer, { id: chair, active: false }))).toBeInstanceOf(
    Refused,
  );
});

test('With an idempotency key, twenty calls at once add one resource.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asKey('ADMIN');
  const resources = await atOnce(20, () => createResource(ctx, { ...room, idempotencyKey: 'one' }));
  expect(new Set(resources.map(({ id }) => id)).size).toBe(1);
  expect(await shop.events()).toHaveLength(1);
});
