import { expect, test } from 'vitest';
import { AlreadyExists, InvalidInput, InvalidState, NotFound } from '../../../src/core/errors.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { createUser } from '../../../src/resolvers/users/createUser.ts';
import { updateUser } from '../../../src/resolvers/users/updateUser.ts';
import { atOnce, createWorkspace, openTestDatabase, refused } from '../../support/context.ts';

const db = await openTestDatabase();
const ada = { email: 'Ada@Example.com', displayName: 'Ada', role: 'SALES', externalId: 'auth|ada' };
const idOf = (viewer: unknown) => encodeId('User', (viewer as { id: string }).id);

test('A user is added, and the event tells the role alone.', async () => {
  const shop = await createWorkspace(db);
  const user = await createUser(await shop.asUser('ADMIN'), { ...ada, rowScope: 'ALL' });
  expect(user).toMatchObject({ ...ada, email: 'ada@example.com', rowScope: 'ALL', disabledAt: null });
  expect(await shop.events()).toMatchObject([
    { type: 'user.created', subjectId: user.id, data: { role: 'SALES' }, changes: null },
  ]);
});

test('Malformed input and values that are taken are refused.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  await createUser(ctx, ada);
  const bob = encodeId(
    'User',
    (await createUser(ctx, { ...ada, email: 'bob@example.com', externalId: null })).id,
  );
  expect(await refused(ctx, () => createUser(ctx, { ...ada, externalId: 'other' }))).toMatchObject({
    field: 'email',
  });
  expect(await refused(ctx, () => createUser(ctx, { ...ada, email: 'x@example.com' }))).toMatchObject({
    field: 'externalId',
  });
  expect(await refused(ctx, () => updateUser(ctx, { id: bob, externalId: ada.externalId }))).toBeInstanceOf(
    AlreadyExists,
  );
  expect(
    await refused(ctx, () => createUser(ctx, { email: 'x', displayName: '', role: 'ROOT', rowScope: 'OWN' })),
  ).toMatchObject({
    issues: expect.arrayContaining(
      ['email', 'displayName', 'role', 'rowScope'].map((path) => expect.objectContaining({ path })),
    ),
  });
  expect(await refused(ctx, () => updateUser(ctx, { id: bob, role: null }))).toBeInstanceOf(InvalidInput);
  for (const id of [
    encodeId('User', newId()),
    idOf((await (await createWorkspace(db)).asUser('STAFF')).viewer),
  ]) {
    expect(await refused(ctx, () => updateUser(ctx, { id, role: 'ADMIN' }))).toBeInstanceOf(NotFound);
  }
  const manager = await shop.asUser('MANAGER');
  expect(await refused(ctx, () => createUser(manager, { ...ada, email: 'y@example.com' }))).toMatchObject({
    code: 'FORBIDDEN',
  });
  expect(await refused(ctx, () => updateUser(manager, { id: bob, displayName: 'Bob' }))).toMatchObject({
    code: 'FORBIDDEN',
  });
});

test('An update changes what is sent; the event names the fields, and values only of rights.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const { id: uuid } = await createUser(ctx, ada);
  const id = encodeId('User', uuid);
  await updateUser(ctx, { id, displayName: 'Ada L.', externalId: null, role: 'STAFF', rowScope: 'TEAM' });
  await updateUser(ctx, {
    id,
    displayName: 'Ada L.',
    externalId: null,
    role: 'STAFF',
    rowScope: 'TEAM',
    disabled: false,
  });
  const disabledAt = shop.clock.now();
  expect(await updateUser(ctx, { id, disabled: true })).toMatchObject({ disabledAt });
  shop.clock.advance({ days: 1 });
  expect(await updateUser(ctx, { id, disabled: true })).toMatchObject({ disabledAt });
  expect(await updateUser(ctx, { id, disabled: false, rowScope: null })).toMatchObject({
    disabledAt: null,
    rowScope: null,
  });
  const events = await shop.events('user.updated');
  expect(events).toMatchObject([
    { changes: { role: ['SALES', 'STAFF'], rowScope: [null, 'TEAM'] } },
    { data: { fields: ['disabled'] }, changes: { disabledAt: [null, disabledAt.toISOString()] } },
    { changes: { rowScope: ['TEAM', null], disabledAt: [disabledAt.toISOString(), null] } },
  ]);
  expect(new Set((events[0]?.data as { fields: string[] } | undefined)?.fields)).toEqual(
    new Set(['displayName', 'externalId', 'role', 'rowScope']),
  );
  expect(JSON.stringify(events)).not.toMatch(/Ada|auth/);
});

test('Nobody grants, or changes the holder of, rights that they do not hold.', async () => {
  const shop = await createWorkspace(db);
  const admin = await shop.asUser('ADMIN');
  const narrow = await shop.asKey('ADMIN', 'users.write', 'customers.read');
  expect(await refused(narrow, () => createUser(narrow, { ...ada, role: 'ADMIN' }))).toMatchObject({
    code: 'FORBIDDEN',
  });
  // Another's external id is another's sign-in: setting an administrator's would make the caller one.
  expect(
    await refused(narrow, () => updateUser(narrow, { id: idOf(admin.viewer), externalId: 'mine' })),
  ).toMatchObject({ code: 'FORBIDDEN' });
  expect(
    await refused(narrow, () => updateUser(narrow, { id: idOf(admin.viewer), disabled: true })),
  ).toMatchObject({ code: 'FORBIDDEN' });

  const near = await shop.asUser('ADMIN', { rowScope: 'TEAM' });
  expect(
    await refused(near, () => updateUser(near, { id: idOf(near.viewer), rowScope: 'ALL' })),
  ).toMatchObject({ code: 'FORBIDDEN' });
  expect(
    await refused(near, () => updateUser(near, { id: idOf(near.viewer), rowScope: null })),
  ).toMatchObject({ code: 'FORBIDDEN' });
  expect(await refused(near, () => createUser(near, { ...ada, role: 'VIEWER' }))).toMatchObject({
    code: 'FORBIDDEN',
  });
  expect(await createUser(near, { ...ada, role: 'VIEWER', rowScope: 'TEAM' })).toMatchObject({
    rowScope: 'TEAM',
  });
});

test('The last administrator who can sign in stays one, however it is tried.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const id = idOf(ctx.viewer);
  for (const change of [
    { disabled: true },
    { role: 'MANAGER' },
    { rowScope: 'TEAM' },
    { externalId: null },
  ]) {
    expect(await refused(ctx, () => updateUser(ctx, { id, ...change }))).toBeInstanceOf(InvalidState);
  }
  await updateUser(ctx, { id, displayName: 'Still here' });
  await shop.asKey('ADMIN');
  expect(await updateUser(ctx, { id, disabled: true })).toMatchObject({ disabledAt: shop.clock.now() });
});

test('Administrators who lock each other out at the same moment take turns, and one stays.', async () => {
  const shop = await createWorkspace(db);
  const admins = await Promise.all(Array.from({ length: 6 }, () => shop.asUser('ADMIN')));
  const outcomes = await Promise.allSettled(
    admins.map((ctx, n) =>
      updateUser(ctx, { id: idOf(admins[(n + 1) % admins.length]?.viewer), disabled: true }),
    ),
  );
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(failed).toHaveLength(1);
  expect(failed[0]?.reason).toBeInstanceOf(InvalidState);
  expect(await db.user.count({ where: { workspaceId: shop.workspace.id, disabledAt: null } })).toBe(1);
});

test('With an idempotency key, twenty calls at once add one user.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const users = await atOnce(20, () => createUser(ctx, { ...ada, idempotencyKey: 'one' }));
  expect(new Set(users.map(({ id }) => id)).size).toBe(1);
  expect(await shop.events()).toHaveLength(1);
});
