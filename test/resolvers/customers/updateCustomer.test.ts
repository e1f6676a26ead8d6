import { describe, expect, test } from 'vitest';
import type { Context } from '../../../src/core/context.ts';
import type { InvalidInput } from '../../../src/core/errors.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';
import { deleteCustomer } from '../../../src/resolvers/customers/deleteCustomer.ts';
import { searchColumns } from '../../../src/resolvers/customers/searchable.ts';
import { updateCustomer } from '../../../src/resolvers/customers/updateCustomer.ts';
import { atOnce, createWorkspace, fingerprint, openTestDatabase, refused } from '../../support/context.ts';

const db = await openTestDatabase();

const ada = {
  firstName: 'Ada',
  lastName: 'Lovelace',
  email: 'ada@example.com',
  phone: '+4930901820',
  companyName: 'Engines',
  jobTitle: 'Countess',
  website: 'https://example.com/',
  avatarUrl: 'https://example.com/a.png',
  bornOn: new Date('1815-12-10'),
  country: 'GB',
  timeZone: 'Europe/London',
  language: 'en',
  referralSource: 'Charles',
  source: 'letter',
  externalId: 'x1',
  vip: true,
};

async function withAda() {
  const shop = await createWorkspace(db);
  const admin = await shop.asUser('ADMIN');
  const customer = await createCustomer(admin, ada);
  shop.clock.advance({ hours: 1 });
  const id = encodeId('Customer', customer.id);
  return { shop, admin, customer, id, update: (input: object) => updateCustomer(admin, { id, ...input }) };
}

describe('updateCustomer', () => {
  test('changes what is sent and nothing else, and says what was before and after.', async () => {
    const { shop, customer, update } = await withAda();
    const updated = await update({
      lastName: 'King',
      email: 'King@Example.com',
      lifecycleStage: 'LOYAL',
      vip: false,
    });
    expect(updated).toEqual({
      ...customer,
      lastName: 'King',
      email: 'king@example.com',
      lifecycleStage: 'LOYAL',
      vip: false,
      sortName: 'king ada',
      searchText: ' ada king engines king@example.com example.com 4930901820 30901820',
      updatedAt: shop.clock.now(),
    });
    expect(await db.customer.findUnique({ where: { id: customer.id } })).toEqual(updated);
    expect(await shop.events('customer.updated')).toEqual([
      expect.objectContaining({
        subjectId: customer.id,
        customerId: customer.id,
        data: { fields: ['lastName', 'email', 'lifecycleStage', 'vip'] },
        changes: { lifecycleStage: ['NEW', 'LOYAL'], vip: [true, false] },
        personal: {
          changes: { lastName: ['Lovelace', 'King'], email: ['ada@example.com', 'king@example.com'] },
        },
      }),
    ]);
  });

  const clears = Object.keys(ada).filter((field) => field !== 'vip');
  test.each(clears)('clears %s for null, and for an empty text.', async (field) => {
    for (const nothing of field === 'bornOn' ? [null] : [null, '', ' \t']) {
      const { shop, customer, update } = await withAda();
      const { sortName, searchText, ...rest } = await update({ [field]: nothing });
      const { sortName: _, searchText: __, ...before } = customer;
      expect(rest).toEqual({ ...before, [field]: null, updatedAt: shop.clock.now() });
      expect({ sortName, searchText }).toEqual(searchColumns({ ...before, [field]: null }));
      expect(await shop.events('customer.updated')).toHaveLength(1);
    }
  });

  test('leaves no event and no trace when nothing changes.', async () => {
    const { update } = await withAda();
    const before = await fingerprint(db);
    await update({});
    await update(ada);
    await update({ email: ' ADA@example.com', phone: '030 901820' });
    await update({ ownerId: null, teamId: null });
    expect(await fingerprint(db)).toEqual(before);
  });

  test('loses no update of many at once, and each event says what it really changed.', async () => {
    const { shop, customer, update } = await withAda();
    await atOnce(20, (n) => update(n % 2 ? { jobTitle: `title ${n}` } : { companyName: `company ${n}` }));
    const events = await shop.events('customer.updated');
    expect(events).toHaveLength(20);
    for (const field of ['jobTitle', 'companyName'] as const) {
      const steps = events
        .map(({ personal }) => (personal as { changes: Record<string, [string, string]> }).changes[field])
        .filter((step) => step !== undefined);
      const ends = [customer[field], ...steps.map(([, after]) => after)];
      expect(steps.map(([before]) => before)).toEqual(ends.slice(0, -1));
      expect(await db.customer.findUnique({ where: { id: customer.id } })).toMatchObject({
        [field]: ends.at(-1),
      });
    }
  });

  const unusable: [title: string, input: object, path: string, message: RegExp][] = [
    ['a phone number in words', { phone: 'none' }, 'phone', /phone number/],
    ['a bad e-mail address', { email: 'ada@' }, 'email', /e-mail/],
    ['a country that there is not', { country: 'ZZ' }, 'country', /ISO 3166-1/],
    ['a zone that there is not', { timeZone: 'Europe/Atlantis' }, 'timeZone', /IANA/],
    ['a NUL', { lastName: 'a\0' }, 'lastName', /NUL/],
    ['a lone surrogate', { lastName: '\udc00' }, 'lastName', /Unicode/],
    ['a name that is too long', { firstName: 'x'.repeat(101) }, 'firstName', /at most 100/],
    ['null for a status', { status: null }, 'status', /./],
    ['no id', { id: 'ada' }, 'id', /id of a Customer/],
    ['the id of something else', { id: encodeId('Booking', newId()) }, 'id', /id of a Customer/],
    [
      'that nothing is left that names them',
      { firstName: null, lastName: null, companyName: null, email: null, phone: null },
      '',
      /at least one of/,
    ],
  ];
  test.each(unusable)('refuses %s, and leaves everything as it was.', async (_, input, path, message) => {
    const { admin, update } = await withAda();
    const failure = (await refused(admin, () => update({ jobTitle: 'Queen', ...input }))) as InvalidInput;
    expect(failure.issues).toEqual([{ path, message: expect.stringMatching(message) }]);
  });

  test("refuses an e-mail address or external id that another customer has, but not the customer's own.", async () => {
    const { admin, update } = await withAda();
    await createCustomer(admin, { email: 'bob@example.com', externalId: 'x2' });
    expect(await refused(admin, () => update({ email: 'BOB@example.com' }))).toMatchObject({
      field: 'email',
    });
    expect(await refused(admin, () => update({ externalId: 'x2' }))).toMatchObject({ field: 'externalId' });
    expect(await update({ email: 'ada@example.com', externalId: 'x1' })).toMatchObject({
      email: 'ada@example.com',
    });
  });

  test('finds nothing in another workspace, beyond the row scope, or of a deleted customer.', async () => {
    const { shop, admin, id } = await withAda();
    const stranger = await (await createWorkspace(db)).asUser('ADMIN');
    const staff = await shop.asUser('STAFF');
    const gone = await createCustomer(admin, { firstName: 'Gone' });
    await deleteCustomer(admin, { id: encodeId('Customer', gone.id) });
    const cases: [Context, string][] = [
      [stranger, id],
      [staff, id],
      [admin, encodeId('Customer', gone.id)],
      [admin, encodeId('Customer', newId())],
    ];
    for (const [ctx, id] of cases) {
      const failure = await refused(ctx, () => updateCustomer(ctx, { id, firstName: 'Eve' }));
      expect(failure).toMatchObject({ code: 'NOT_FOUND', id });
    }
  });

  test("refuses another workspace's owner and team.", async () => {
    const { admin, update } = await withAda();
    const other = await createWorkspace(db);
    const stranger = (await other.asUser('ADMIN')).viewer as { id: string };
    const team = await db.team.create({
      data: { id: newId(), workspaceId: other.workspace.id, name: 'Theirs' },
    });
    for (const wrong of [{ ownerId: encodeId('User', stranger.id) }, { teamId: encodeId('Team', team.id) }]) {
      expect(await refused(admin, () => update(wrong))).toMatchObject({
        code: 'NOT_FOUND',
        id: Object.values(wrong)[0],
      });
    }
  });

  test('is for callers who may write customers.', async () => {
    const { shop, id } = await withAda();
    for (const [ctx, code] of [
      [shop.asAnonymous(), 'UNAUTHENTICATED'],
      [await shop.asUser('VIEWER'), 'FORBIDDEN'],
    ] as const) {
      expect(await refused(ctx, () => updateCustomer(ctx, { id, firstName: 'Eve' }))).toMatchObject({ code });
    }
  });
});
