import { expect, test } from 'vitest';
import { AlreadyExists, InvalidInput, NotFound, Refused } from '../../../src/core/errors.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { createStaffMember } from '../../../src/resolvers/staffMembers/createStaffMember.ts';
import { updateStaffMember } from '../../../src/resolvers/staffMembers/updateStaffMember.ts';
import { createUser } from '../../../src/resolvers/users/createUser.ts';
import { atOnce, createWorkspace, openTestDatabase, refused } from '../../support/context.ts';

const db = await openTestDatabase();

test("A staff member is added in the workspace's time zone, and the event holds nothing personal.", async () => {
  const shop = await createWorkspace(db, { timeZone: 'Asia/Tokyo' });
  const ctx = await shop.asUser('MANAGER');
  const staffMember = await createStaffMember(ctx, { displayName: 'Ada', email: ' Ada@Example.com ' });
  expect(staffMember).toMatchObject({
    displayName: 'Ada',
    email: 'ada@example.com',
    timeZone: 'Asia/Tokyo',
    userId: null,
    active: true,
  });
  expect(await shop.events()).toMatchObject([
    { type: 'staff_member.created', subjectId: staffMember.id, data: {}, changes: null },
  ]);
});

test('A staff member can be a user; a user is one staff member at most.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const user = await createUser(ctx, { email: 'ada@example.com', displayName: 'Ada', role: 'STAFF' });
  const userId = encodeId('User', user.id);
  const ada = await createStaffMember(ctx, { displayName: 'Ada', userId });
  expect(ada.userId).toBe(user.id);
  const bob = await createStaffMember(ctx, { displayName: 'Bob' });
  expect(await refused(ctx, () => createStaffMember(ctx, { displayName: 'Too', userId }))).toBeInstanceOf(
    AlreadyExists,
  );
  expect(
    await refused(ctx, () => updateStaffMember(ctx, { id: encodeId('StaffMember', bob.id), userId })),
  ).toMatchObject({ field: 'userId' });
  await updateStaffMember(ctx, { id: encodeId('StaffMember', ada.id), userId: null });
  expect(await updateStaffMember(ctx, { id: encodeId('StaffMember', bob.id), userId })).toMatchObject({
    userId: user.id,
  });
});

test('An update changes and clears what is sent, and the event names the fields alone.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const { id: uuid } = await createStaffMember(ctx, { displayName: 'Ada', email: 'ada@example.com' });
  const id = encodeId('StaffMember', uuid);
  const updated = await updateStaffMember(ctx, {
    id,
    displayName: 'Ada L.',
    email: '',
    active: false,
    timeZone: 'Europe/Lisbon',
  });
  expect(updated).toMatchObject({
    displayName: 'Ada L.',
    email: null,
    active: false,
    timeZone: 'Europe/Lisbon',
  });
  await updateStaffMember(ctx, { id, displayName: 'Ada L.', email: null, active: false });
  const events = await shop.events('staff_member.updated');
  expect(events).toMatchObject([{ subjectId: uuid, changes: null }]);
  expect(new Set((events[0]?.data as { fields: string[] } | undefined)?.fields)).toEqual(
    new Set(['displayName', 'email', 'active', 'timeZone']),
  );
});

test('Malformed input, unknown users and staff members, and callers without the right are refused.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const elsewhere = await (await createWorkspace(db)).asUser('ADMIN');
  const foreignUser = encodeId('User', (elsewhere.viewer as { id: string }).id);
  const foreign = encodeId('StaffMember', (await createStaffMember(elsewhere, { displayName: 'Far' })).id);
  const mine = encodeId('StaffMember', (await createStaffMember(ctx, { displayName: 'Near' })).id);
  expect(
    await refused(ctx, () => createStaffMember(ctx, { displayName: ' ', email: 'x', timeZone: 'Mars' })),
  ).toMatchObject({
    issues: [{ path: 'displayName' }, { path: 'email' }, { path: 'timeZone' }],
  });
  for (const userId of [foreignUser, encodeId('User', newId())]) {
    expect(await refused(ctx, () => createStaffMember(ctx, { displayName: 'Ada', userId }))).toMatchObject({
      id: userId,
    });
    expect(await refused(ctx, () => updateStaffMember(ctx, { id: mine, userId }))).toBeInstanceOf(NotFound);
  }
  expect(await refused(ctx, () => updateStaffMember(ctx, { id: foreign, active: false }))).toBeInstanceOf(
    NotFound,
  );
  expect(await refused(ctx, () => updateStaffMember(ctx, { id: mine, timeZone: null }))).toBeInstanceOf(
    InvalidInput,
  );
  const sales = await shop.asUser('SALES');
  expect(await refused(ctx, () => createStaffMember(sales, { displayName: 'Ada' }))).toBeInstanceOf(Refused);
  expect(await refused(ctx, () => updateStaffMember(sales, { id: mine, active: false }))).toBeInstanceOf(
    Refused,
  );
});

test('Who does not reach every customer cannot widen what a user reaches by making them a staff member.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('MANAGER', { rowScope: 'TEAM' });
  const userId = encodeId('User', (ctx.viewer as { id: string }).id);
  const staffMember = await createStaffMember(ctx, { displayName: 'Busy' });
  expect(await refused(ctx, () => createStaffMember(ctx, { displayName: 'Me', userId }))).toMatchObject({
    code: 'FORBIDDEN',
  });
  expect(
    await refused(ctx, () => updateStaffMember(ctx, { id: encodeId('StaffMember', staffMember.id), userId })),
  ).toMatchObject({ code: 'FORBIDDEN' });
});

test('With an idempotency key, twenty calls at once add one staff member.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const all = await atOnce(20, () => createStaffMember(ctx, { displayName: 'Ada', idempotencyKey: 'one' }));
  expect(new Set(all.map(({ id }) => id)).size).toBe(1);
  expect(await shop.events()).toHaveLength(1);
});
