import { expect, test } from 'vitest';
import {
  AlreadyExists,
  IdempotencyKeyReused,
  InvalidInput,
  NotFound,
  Refused,
} from '../../../src/core/errors.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { createService } from '../../../src/resolvers/services/createService.ts';
import { updateService } from '../../../src/resolvers/services/updateService.ts';
import { atOnce, createWorkspace, openTestDatabase, refused } from '../../support/context.ts';

const db = await openTestDatabase();
const cut = { name: 'Cut', durationMinutes: 30, price: { amount: '25.50', currency: 'EUR' } };

test('A service is added with its price in minor units, and an event says so.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('MANAGER');
  const service = await createService(ctx, {
    ...cut,
    name: '  Cut ',
    capacity: 3,
    bufferAfterMinutes: 10,
    description: 'Short',
  });
  expect(service).toMatchObject({
    workspaceId: shop.workspace.id,
    name: 'Cut',
    description: 'Short',
    durationMinutes: 30,
    bufferBeforeMinutes: 0,
    bufferAfterMinutes: 10,
    priceMinor: 2550n,
    currency: 'EUR',
    capacity: 3,
    active: true,
    createdAt: shop.clock.now(),
  });
  expect(await shop.events()).toMatchObject([
    { type: 'service.created', subjectId: service.id, customerId: null, data: { name: 'Cut' } },
  ]);
});

test('A service without a price is free, in the currency of the workspace, and takes one at a time.', async () => {
  const shop = await createWorkspace(db, { currency: 'JPY' });
  const service = await createService(await shop.asUser('ADMIN'), {
    name: 'Talk',
    durationMinutes: 15,
    price: null,
    capacity: null,
  });
  expect(service).toMatchObject({ priceMinor: 0n, currency: 'JPY', capacity: 1 });
});

test('createService says everything that is wrong, and where.', async () => {
  const ctx = await (await createWorkspace(db)).asUser('ADMIN');
  const failure = await refused(ctx, () =>
    createService(ctx, {
      name: ' ',
      durationMinutes: 0,
      capacity: 0,
      bufferBeforeMinutes: -1,
      price: { amount: '1.234', currency: 'EUR' },
    }),
  );
  expect((failure as InvalidInput).issues.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['name', 'durationMinutes', 'capacity', 'bufferBeforeMinutes', 'price.amount']),
  );
  expect(
    await refused(ctx, () => createService(ctx, { ...cut, price: { amount: '-1', currency: 'EUR' } })),
  ).toBeInstanceOf(InvalidInput);
  expect(
    await refused(ctx, () => createService(ctx, { ...cut, price: { amount: '1', currency: 'XYZ' } })),
  ).toBeInstanceOf(InvalidInput);
});

test('Two services of a workspace never share a name; those of two workspaces may.', async () => {
  const [one, other] = await Promise.all([createWorkspace(db), createWorkspace(db)]);
  const ctx = await one.asUser('ADMIN');
  await createService(ctx, cut);
  const wash = await createService(ctx, { ...cut, name: 'Wash' });
  await createService(await other.asUser('ADMIN'), cut);
  const id = encodeId('Service', wash.id);
  for (const again of [() => createService(ctx, cut), () => updateService(ctx, { id, name: 'Cut' })]) {
    const failure = await refused(ctx, again);
    expect(failure).toBeInstanceOf(AlreadyExists);
    expect(failure).toMatchObject({ field: 'name' });
  }
});

test('Whoever may not write services is refused.', async () => {
  const shop = await createWorkspace(db);
  for (const ctx of [
    await shop.asUser('STAFF'),
    await shop.asKey('ADMIN', 'services.read'),
    shop.asAnonymous(),
  ]) {
    expect(await refused(ctx, () => createService(ctx, cut))).toBeInstanceOf(Refused);
  }
});

test('With an idempotency key, twenty calls at once add one service.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const services = await atOnce(20, () => createService(ctx, { ...cut, idempotencyKey: 'one' }));
  expect(new Set(services.map(({ id }) => id)).size).toBe(1);
  expect(await db.service.count({ where: { workspaceId: shop.workspace.id } })).toBe(1);
  expect(await shop.events()).toHaveLength(1);
  expect(
    await refused(ctx, () => createService(ctx, { ...cut, name: 'Else', idempotencyKey: 'one' })),
  ).toBeInstanceOf(IdempotencyKeyReused);
});

test('A refusal is repeated under the same idempotency key, also when the reason has gone.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const first = await createService(ctx, cut);
  expect(await refused(ctx, () => createService(ctx, { ...cut, idempotencyKey: 'two' }))).toBeInstanceOf(
    AlreadyExists,
  );
  await updateService(ctx, { id: encodeId('Service', first.id), name: 'Other' });
  expect(await refused(ctx, () => createService(ctx, { ...cut, idempotencyKey: 'two' }))).toMatchObject({
    field: 'name',
  });
});

test('An update changes what is sent, clears what is null, and says both before and after.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const { id: uuid } = await createService(ctx, { ...cut, description: 'Short' });
  const id = encodeId('Service', uuid);
  shop.clock.advance({ minutes: 5 });
  const updated = await updateService(ctx, {
    id,
    description: null,
    price: { amount: '30', currency: 'USD' },
    active: false,
  });
  expect(updated).toMatchObject({
    name: 'Cut',
    description: null,
    priceMinor: 3000n,
    currency: 'USD',
    active: false,
    updatedAt: shop.clock.now(),
  });
  expect(await shop.events('service.updated')).toMatchObject([
    {
      subjectId: uuid,
      data: { name: 'Cut' },
      changes: {
        description: ['Short', null],
        priceMinor: ['2550', '3000'],
        currency: ['EUR', 'USD'],
        active: [true, false],
      },
    },
  ]);
});

test('An update that changes nothing leaves no event and touches nothing.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const service = await createService(ctx, cut);
  shop.clock.advance({ hours: 1 });
  expect(await updateService(ctx, { id: encodeId('Service', service.id), ...cut, active: true })).toEqual(
    service,
  );
  expect(await shop.events('service.updated')).toEqual([]);
});

test('updateService refuses an id of nothing, of another workspace and of another type, and a null where a value must be.', async () => {
  const [one, other] = await Promise.all([createWorkspace(db), createWorkspace(db)]);
  const ctx = await one.asUser('ADMIN');
  const foreign = await createService(await other.asUser('ADMIN'), cut);
  const mine = await createService(ctx, cut);
  for (const uuid of [newId(), foreign.id]) {
    const failure = await refused(ctx, () =>
      updateService(ctx, { id: encodeId('Service', uuid), name: 'Mine' }),
    );
    expect(failure).toBeInstanceOf(NotFound);
    expect(failure).toMatchObject({ id: encodeId('Service', uuid) });
  }
  for (const input of [
    { id: encodeId('Tag', mine.id) },
    { id: mine.id },
    { id: encodeId('Service', mine.id), name: null },
  ]) {
    expect(await refused(ctx, () => updateService(ctx, input))).toBeInstanceOf(InvalidInput);
  }
});
