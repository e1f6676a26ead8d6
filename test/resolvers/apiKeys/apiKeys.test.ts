import { expect, test } from 'vitest';
import { hashOf } from '../../../src/core/crypto.ts';
import { IdempotencyKeyReused, InvalidState, NotFound } from '../../../src/core/errors.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { createApiKey } from '../../../src/resolvers/apiKeys/createApiKey.ts';
import { revokeApiKey } from '../../../src/resolvers/apiKeys/revokeApiKey.ts';
import { createUser } from '../../../src/resolvers/users/createUser.ts';
import { updateUser } from '../../../src/resolvers/users/updateUser.ts';
import { atOnce, createWorkspace, openTestDatabase, refused } from '../../support/context.ts';

const db = await openTestDatabase();

test('A key is answered with its secret, of which the database and the event keep the hash and the prefix alone.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const { secret, ...key } = await createApiKey(ctx, {
    name: 'Site',
    role: 'SALES',
    permissions: ['customers.write', 'bookings.read', 'customers.write'],
    expiresAt: new Date('2027-01-01'),
  });
  expect(secret).toMatch(/^fd_[\w-]{43}$/);
  expect(key).toMatchObject({
    name: 'Site',
    role: 'SALES',
    scopes: ['bookings.read', 'customers.write'],
    prefix: secret?.slice(0, 12),
    hash: hashOf(secret as string),
    expiresAt: new Date('2027-01-01'),
    createdById: (ctx.viewer as { id: string }).id,
  });
  expect(JSON.stringify(await db.apiKey.findUnique({ where: { id: key.id } }))).not.toContain(secret);
  expect(await shop.events()).toMatchObject([
    { type: 'api_key.created', subjectId: key.id, data: { prefix: key.prefix } },
  ]);
});

test('Of twenty calls at once with one idempotency key one is shown the secret; a later one is not.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const input = {
    name: 'Site',
    role: 'VIEWER',
    expiresAt: new Date(shop.clock.now().getTime() + 60_000),
    idempotencyKey: 'one',
  };
  const keys = await atOnce(20, () => createApiKey(ctx, input));
  expect(new Set(keys.map(({ id }) => id)).size).toBe(1);
  expect(keys.filter(({ secret }) => secret)).toHaveLength(1);
  shop.clock.advance({ hours: 1 });
  expect(await createApiKey(ctx, input)).toMatchObject({ id: keys[0]?.id, secret: null });
  expect(await shop.events()).toHaveLength(1);
  expect(await refused(ctx, () => createApiKey(ctx, { ...input, role: 'STAFF' }))).toBeInstanceOf(
    IdempotencyKeyReused,
  );
});

test('Malformed input is refused.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const key = { name: 'Site', role: 'VIEWER' };
  for (const [path, input] of [
    ['name', { ...key, name: ' ' }],
    ['role', { ...key, role: 'ROOT' }],
    ['permissions.0', { ...key, permissions: ['everything'] }],
    ['permissions', { ...key, permissions: [] }],
    ['permissions', { ...key, permissions: ['customers.read', 'customers.write'] }],
    ['expiresAt', { ...key, expiresAt: shop.clock.now() }],
  ] as const) {
    expect(await refused(ctx, () => createApiKey(ctx, input))).toMatchObject({ issues: [{ path }] });
  }
});

test('Nobody makes a key with more rights than their own.', async () => {
  const shop = await createWorkspace(db);
  const narrow = await shop.asKey('ADMIN', 'apiKeys.write', 'customers.read');
  const made = await createApiKey(narrow, { name: 'Less', role: 'ADMIN', permissions: ['customers.read'] });
  expect(made).toMatchObject({ role: 'ADMIN', scopes: ['customers.read'], createdById: null });
  for (const input of [
    { name: 'All', role: 'ADMIN' },
    { name: 'More', role: 'ADMIN', permissions: ['customers.read', 'customers.write'] },
    { name: 'Other', role: 'VIEWER' },
  ]) {
    expect(await refused(narrow, () => createApiKey(narrow, input))).toMatchObject({ code: 'FORBIDDEN' });
  }
  const near = await shop.asUser('ADMIN', { rowScope: 'TEAM' });
  expect(await refused(near, () => createApiKey(near, { name: 'Wide', role: 'VIEWER' }))).toMatchObject({
    code: 'FORBIDDEN',
  });
  await createApiKey(near, { name: 'As wide', role: 'SALES' });
  const manager = await shop.asUser('MANAGER');
  expect(await refused(manager, () => createApiKey(manager, { name: 'x', role: 'VIEWER' }))).toMatchObject({
    code: 'FORBIDDEN',
  });
});

test('A key is revoked once and for good.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const key = await createApiKey(ctx, { name: 'Site', role: 'ADMIN' });
  const id = encodeId('ApiKey', key.id);
  const at = shop.clock.now();
  expect(await revokeApiKey(ctx, { id })).toMatchObject({ id: key.id, revokedAt: at });
  shop.clock.advance({ days: 1 });
  expect(await revokeApiKey(ctx, { id })).toMatchObject({ revokedAt: at });
  expect(await shop.events('api_key.revoked')).toMatchObject([
    { subjectId: key.id, data: { prefix: key.prefix } },
  ]);
});

test('An unknown key cannot be revoked, nor can any by a caller without the right.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const elsewhere = await (await createWorkspace(db)).asUser('ADMIN');
  const foreign = encodeId('ApiKey', (await createApiKey(elsewhere, { name: 'x', role: 'VIEWER' })).id);
  const mine = encodeId('ApiKey', (await createApiKey(ctx, { name: 'x', role: 'VIEWER' })).id);
  for (const id of [foreign, encodeId('ApiKey', newId())])
    expect(await refused(ctx, () => revokeApiKey(ctx, { id }))).toBeInstanceOf(NotFound);
  const manager = await shop.asUser('MANAGER');
  expect(await refused(ctx, () => revokeApiKey(manager, { id: mine }))).toMatchObject({ code: 'FORBIDDEN' });
});

test('The last way to administer the workspace is not revoked.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asKey('ADMIN');
  const id = encodeId('ApiKey', (ctx.viewer as { id: string }).id);
  expect(await refused(ctx, () => revokeApiKey(ctx, { id }))).toBeInstanceOf(InvalidState);

  // None of these would do: narrowed, expired, cannot sign in, disabled, does not reach everybody.
  await createApiKey(ctx, { name: 'Narrow', role: 'ADMIN', permissions: ['users.write'] });
  await createApiKey(ctx, {
    name: 'Short',
    role: 'ADMIN',
    expiresAt: new Date(shop.clock.now().getTime() + 1_000),
  });
  await createUser(ctx, { email: 'a@example.com', displayName: 'A', role: 'ADMIN' });
  const disabled = await createUser(ctx, {
    email: 'b@example.com',
    displayName: 'B',
    role: 'ADMIN',
    externalId: 'b',
  });
  await updateUser(ctx, { id: encodeId('User', disabled.id), disabled: true });
  await createUser(ctx, {
    email: 'c@example.com',
    displayName: 'C',
    role: 'ADMIN',
    externalId: 'c',
    rowScope: 'TEAM',
  });
  shop.clock.advance({ minutes: 1 });
  expect(await refused(ctx, () => revokeApiKey(ctx, { id }))).toBeInstanceOf(InvalidState);

  await createUser(ctx, { email: 'd@example.com', displayName: 'D', role: 'ADMIN', externalId: 'd' });
  expect((await revokeApiKey(ctx, { id })).revokedAt).not.toBeNull();
});
