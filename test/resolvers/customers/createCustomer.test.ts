import { describe, expect, test } from 'vitest';
import type { Context } from '../../../src/core/context.ts';
import type { Customer } from '../../../src/core/database.ts';
import { type Failure, InvalidInput } from '../../../src/core/errors.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';
import { updateCustomer } from '../../../src/resolvers/customers/updateCustomer.ts';
import { atOnce, createWorkspace, openTestDatabase, refused } from '../../support/context.ts';

const db = await openTestDatabase();
const keysOf = (ctx: Context) => db.idempotencyKey.findMany({ where: { workspaceId: ctx.workspace.id } });

describe('createCustomer', () => {
  test('adds a customer with everything that was given, and says so in one event that holds nothing personal.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const team = await db.team.create({
      data: { id: newId(), workspaceId: shop.workspace.id, name: 'Salon' },
    });
    const ownerId = (admin.viewer as { id: string }).id;
    const customer = await createCustomer(admin, {
      externalId: 'crm-17',
      firstName: ' Łucja ',
      lastName: 'Ångström',
      email: ' Lucja@Example.COM ',
      phone: '030 / 90 18-20',
      companyName: 'Ångström & Töchter',
      jobTitle: 'Founder',
      website: 'https://example.com/about?x=1#y',
      avatarUrl: 'https://example.com/a.png',
      bornOn: new Date('1984-02-29'),
      country: 'SE',
      timeZone: 'Europe/Stockholm',
      language: 'sv-SE',
      referralSource: 'Aunt Ada',
      source: 'web form',
      status: 'ARCHIVED',
      lifecycleStage: 'LEAD',
      vip: true,
      doNotContact: true,
      ownerId: encodeId('User', ownerId),
      teamId: encodeId('Team', team.id),
    });
    const expected = {
      workspaceId: shop.workspace.id,
      externalId: 'crm-17',
      firstName: 'Łucja',
      lastName: 'Ångström',
      email: 'lucja@example.com',
      phone: '+4930901820',
      companyName: 'Ångström & Töchter',
      jobTitle: 'Founder',
      website: 'https://example.com/about?x=1#y',
      avatarUrl: 'https://example.com/a.png',
      bornOn: new Date('1984-02-29'),
      country: 'SE',
      timeZone: 'Europe/Stockholm',
      language: 'sv-SE',
      referralSource: 'Aunt Ada',
      source: 'web form',
      status: 'ARCHIVED',
      lifecycleStage: 'LEAD',
      vip: true,
      doNotContact: true,
      ownerId,
      teamId: team.id,
      sortName: 'angstrom lucja',
      deletedAt: null,
      createdAt: shop.clock.now(),
      updatedAt: shop.clock.now(),
      totalBookings: 0,
      leadScore: 0,
      leadGrade: 'COLD',
    };
    expect(customer).toMatchObject(expected);
    expect(await db.customer.findMany({ where: { workspaceId: shop.workspace.id } })).toEqual([customer]);

    expect(await shop.events()).toEqual([
      {
        type: 'customer.created',
        subjectId: customer.id,
        customerId: customer.id,
        actorId: ownerId,
        changes: null,
        data: {},
        personal: {
          data: {
            firstName: 'Łucja',
            lastName: 'Ångström',
            companyName: 'Ångström & Töchter',
            email: 'lucja@example.com',
            phone: '+4930901820',
            source: 'web form',
          },
        },
      },
    ]);
  });

  test.each([
    { firstName: 'Ada' },
    { lastName: 'Lovelace' },
    { companyName: 'Analytical Engines' },
    { email: 'ada@example.com' },
    { phone: '+4930901820' },
  ])('is content with one of name, company, e-mail and phone: $0.', async (input) => {
    const shop = await createWorkspace(db);
    const customer = await createCustomer(await shop.asUser('ADMIN'), input);
    expect(customer).toMatchObject(input);
    expect(customer.sortName).not.toBe('');
  });

  test('takes null and empty text for not given.', async () => {
    const shop = await createWorkspace(db);
    const customer = await createCustomer(await shop.asUser('ADMIN'), {
      firstName: 'Ada',
      lastName: '',
      email: '  ',
      phone: null,
      ownerId: null,
    });
    expect(customer).toMatchObject({
      firstName: 'Ada',
      lastName: null,
      email: null,
      phone: null,
      ownerId: null,
    });
  });

  test('makes a caller who reaches only some customers the owner, unless one of their teams has the customer.', async () => {
    const shop = await createWorkspace(db);
    const team = await db.team.create({
      data: { id: newId(), workspaceId: shop.workspace.id, name: 'Salon' },
    });
    const seller = await shop.asUser('SALES', { principals: [team.id] });
    const id = (seller.viewer as { id: string }).id;
    expect(await createCustomer(seller, { firstName: 'Ada' })).toMatchObject({ ownerId: id, teamId: null });
    const ofTeam = await createCustomer(seller, { firstName: 'Ada', teamId: encodeId('Team', team.id) });
    expect(ofTeam).toMatchObject({ ownerId: null, teamId: team.id });
    expect(await createCustomer(await shop.asUser('MANAGER'), { firstName: 'Ada' })).toMatchObject({
      ownerId: null,
    });
  });

  test('is for callers who may write customers.', async () => {
    const shop = await createWorkspace(db);
    const input = { firstName: 'Ada' };
    expect(await refused(shop.asAnonymous(), () => createCustomer(shop.asAnonymous(), input))).toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    const viewer = await shop.asUser('VIEWER');
    expect(await refused(viewer, () => createCustomer(viewer, input))).toMatchObject({ code: 'FORBIDDEN' });
  });
});

const nul = 'a\0b';
const lone = 'a\ud800b';
const tooLong = (max: number) => 'x'.repeat(max + 1);

/** An input, the path of the one issue, and what its message must say. */
const unusable: [title: string, input: Record<string, unknown>, path: string, message: RegExp][] = [
  ['nothing at all', {}, '', /at least one of firstName, lastName, companyName, email and phone/],
  ['only what does not name anybody', { jobTitle: 'Baker', vip: true }, '', /at least one of/],
  ['empty texts alone', { firstName: ' ', lastName: '\t\n', email: '' }, '', /at least one of/],
  ['words for a phone number', { phone: 'call me' }, 'phone', /Must be .*phone number/],
  ['a phone number that is too short', { phone: '+49 12' }, 'phone', /phone number/],
  ['a phone number of no country', { phone: '+999 123 456 789' }, 'phone', /\+ and the country code/],
  ['two phone numbers', { phone: '030 901820, 030 901821' }, 'phone', /phone number/],
  ['a phone number with words around it', { phone: 'home 030 901820 evenings' }, 'phone', /phone number/],
  [
    'a phone number with an extension, which would be lost',
    { phone: '030 901820 ext. 12' },
    'phone',
    /extension/,
  ],
  ['a phone number with a NUL', { phone: '030 901820\0' }, 'phone', /phone number/],
  ['an endless phone number', { phone: '1'.repeat(100_000) }, 'phone', /phone number/],
  ['an e-mail address without @', { email: 'ada' }, 'email', /Must be an e-mail address/],
  ['an e-mail address without a domain', { email: 'ada@' }, 'email', /e-mail address/],
  ['two e-mail addresses', { email: 'ada@example.com, bob@example.com' }, 'email', /e-mail address/],
  ['an e-mail address with a NUL', { email: 'ada\0@example.com' }, 'email', /e-mail address/],
  ['an e-mail address with a lone surrogate', { email: 'ada\ud800@example.com' }, 'email', /e-mail address/],
  [
    'an e-mail address of 300 characters',
    { email: `${'a'.repeat(290)}@example.com` },
    'email',
    /at most 254/,
  ],
  ['a country in words', { country: 'Germany' }, 'country', /ISO 3166-1/],
  ['a country in lower case', { country: 'de' }, 'country', /ISO 3166-1/],
  ['a country that there is not', { country: 'XX' }, 'country', /ISO 3166-1/],
  ['a zone that there is not', { timeZone: 'Mars/Olympus_Mons' }, 'timeZone', /IANA/],
  ['an offset for a zone', { timeZone: '+02:00' }, 'timeZone', /IANA/],
  ['a language in words', { language: 'English, please' }, 'language', /language tag/],
  ['a language without end', { language: `en-x${'-abcdefgh'.repeat(50)}` }, 'language', /at most/],
  ['a website that is a script', { website: 'javascript:alert(1)' }, 'website', /http/],
  ['a website without a scheme', { website: 'example.com' }, 'website', /http/],
  [
    'a website of 3,000 characters',
    { website: `https://example.com/${'x'.repeat(3_000)}` },
    'website',
    /at most 2000/,
  ],
  ['a website with a NUL', { website: 'https://example.com/\0' }, 'website', /NUL/],
  ['a website with a lone surrogate', { website: 'https://example.com/\ud800' }, 'website', /Unicode/],
  ['a picture that is a file', { avatarUrl: 'file:///etc/passwd' }, 'avatarUrl', /http/],
  ['a birthday that is no date', { bornOn: new Date('nonsense') }, 'bornOn', /date/i],
  ['a birthday before our calendar', { bornOn: new Date('0000-01-01') }, 'bornOn', /year/],
  ['a status that there is not', { status: 'GONE' }, 'status', /./],
  ['null for a flag', { vip: null }, 'vip', /./],
  ['the id of something else as owner', { ownerId: encodeId('Team', newId()) }, 'ownerId', /id of a User/],
  ['no id as team', { teamId: 'salon' }, 'teamId', /id of a Team/],
  ['an empty idempotency key', { idempotencyKey: ' ' }, 'idempotencyKey', /empty/],
  ['an idempotency key with a NUL', { idempotencyKey: nul }, 'idempotencyKey', /NUL/],
  ['an idempotency key of 256 characters', { idempotencyKey: tooLong(255) }, 'idempotencyKey', /at most 255/],
  ...Object.entries({
    externalId: 255,
    firstName: 100,
    lastName: 100,
    companyName: 200,
    jobTitle: 200,
    referralSource: 200,
    source: 200,
  }).flatMap(([field, max]): typeof unusable => [
    [`a ${field} with a NUL`, { [field]: nul }, field, /NUL/],
    [`a ${field} with a lone surrogate`, { [field]: lone }, field, /Unicode/],
    [`a ${field} of ${max + 1} characters`, { [field]: tooLong(max) }, field, new RegExp(`at most ${max}`)],
  ]),
];

/** Inputs that are judged for one field alone are valid otherwise. */
const nameless = new Set(unusable.slice(0, 3).map(([, input]) => input));

describe('createCustomer refuses, and leaves nothing behind,', () => {
  test.each(unusable)('%s.', async (_, input, path, message) => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const given = nameless.has(input) ? input : { firstName: 'Ada', idempotencyKey: 'k', ...input };
    const failure = await refused(admin, () => createCustomer(admin, given));
    expect((failure as InvalidInput).issues).toEqual([{ path, message: expect.stringMatching(message) }]);
    expect(await keysOf(admin)).toEqual([]);
  });

  test('an input with several faults, naming each.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const input = { firstName: nul, email: 'x', phone: 'x', country: 'x', timeZone: 'x' };
    const failure = (await refused(admin, () => createCustomer(admin, input))) as InvalidInput;
    expect(failure.issues.map(({ path }) => path)).toEqual([
      'firstName',
      'email',
      'phone',
      'country',
      'timeZone',
    ]);
  });

  test('an e-mail address or external id that another customer of the workspace has, but not that of another workspace.', async () => {
    const [shop, other] = [await createWorkspace(db), await createWorkspace(db)];
    const admin = await shop.asUser('ADMIN');
    const taken = { email: 'ada@example.com', externalId: 'x1' };
    await createCustomer(await other.asUser('ADMIN'), taken);
    await createCustomer(admin, taken);
    const sameEmail = { firstName: 'Ada', email: 'ADA@example.com' };
    expect(await refused(admin, () => createCustomer(admin, sameEmail))).toMatchObject({
      code: 'ALREADY_EXISTS',
      field: 'email',
    });
    const sameExternalId = { firstName: 'Ada', externalId: 'x1' };
    expect(await refused(admin, () => createCustomer(admin, sameExternalId))).toMatchObject({
      code: 'ALREADY_EXISTS',
      field: 'externalId',
    });
  });

  test("another workspace's user as owner and team, by their ids.", async () => {
    const [shop, other] = [await createWorkspace(db), await createWorkspace(db)];
    const admin = await shop.asUser('ADMIN');
    const stranger = (await other.asUser('ADMIN')).viewer as { id: string };
    const team = await db.team.create({
      data: { id: newId(), workspaceId: other.workspace.id, name: 'Theirs' },
    });
    for (const wrong of [{ ownerId: encodeId('User', stranger.id) }, { teamId: encodeId('Team', team.id) }]) {
      const failure = await refused(admin, () => createCustomer(admin, { firstName: 'Ada', ...wrong }));
      expect(failure).toMatchObject({ code: 'NOT_FOUND', id: Object.values(wrong)[0] });
    }
  });
});

describe('createCustomer with an idempotency key', () => {
  const call = (ctx: Context, input: object = {}) =>
    createCustomer(ctx, { firstName: 'Ada', idempotencyKey: 'once', ...input });
  const failureOf = (work: Promise<unknown>) =>
    work.then(
      () => 'no failure',
      (error: Failure) => ({ code: error.code, message: error.message, ...error.details() }),
    );

  test('has one effect and one answer, however often it is repeated.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const first = await call(admin);
    shop.clock.advance({ hours: 1 });
    for (const _ of [1, 2]) expect(await call(admin)).toEqual(first);
    expect(await db.customer.count({ where: { workspaceId: shop.workspace.id } })).toBe(1);
    expect(await shop.events()).toHaveLength(1);
  });

  test('has one effect and one answer when 100 callers call at once.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const answers = await atOnce(100, () => call(admin));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers.every((answer) => answer.firstName === 'Ada')).toBe(true);
    expect(await db.customer.count({ where: { workspaceId: shop.workspace.id } })).toBe(1);
    expect(await shop.events()).toHaveLength(1);
    expect(await keysOf(admin)).toHaveLength(1);
  });

  test('answers with the customer as it is now.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const { id } = await call(admin);
    const changed = await updateCustomer(admin, { id: encodeId('Customer', id), lastName: 'King' });
    expect(await call(admin)).toEqual(changed);
  });

  test('refuses another input, and does not mind another spelling of the same one.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const input = { firstName: 'Ada', email: 'ada@example.com', phone: '030 901820', idempotencyKey: 'once' };
    const first = await createCustomer(admin, input);
    const respelt = {
      idempotencyKey: ' once ',
      phone: '+4930901820',
      email: 'Ada@Example.com',
      firstName: ' Ada ',
    };
    expect(await createCustomer(admin, respelt)).toEqual(first);
    for (const other of [{ firstName: 'Eda' }, { vip: true }, { lastName: 'King' }]) {
      const failure = await refused(admin, () => createCustomer(admin, { ...input, ...other }));
      expect(failure.code).toBe('IDEMPOTENCY_KEY_REUSED');
    }
    expect(await createCustomer(admin, input)).toEqual(first);
  });

  test('answers a typed failure again, also when its cause is gone.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const email = 'ada@example.com';
    const holder = await createCustomer(admin, { email });
    await refused(admin, () => call(admin, { email }));
    const first = await failureOf(call(admin, { email }));
    expect(first).toMatchObject({ code: 'ALREADY_EXISTS', field: 'email' });
    await updateCustomer(admin, { id: encodeId('Customer', holder.id), email: null, lastName: 'King' });
    expect(await failureOf(call(admin, { email }))).toEqual(first);
    expect(await failureOf(call(admin, { email: 'other@example.com' }))).toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    expect(await createCustomer(admin, { firstName: 'Ada', email })).toMatchObject({ email });

    const missing = { ownerId: encodeId('User', newId()), idempotencyKey: 'missing' };
    const notFound = await failureOf(call(admin, missing));
    expect(notFound).toMatchObject({ code: 'NOT_FOUND', id: missing.ownerId });
    expect(await failureOf(call(admin, missing))).toEqual(notFound);
  });

  test('answers a typed failure to all of 100 callers at once, and has no effect.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const email = 'ada@example.com';
    await createCustomer(admin, { email });
    const failures = await atOnce(100, () => failureOf(call(admin, { email })));
    for (const failure of failures) expect(failure).toEqual(failures[0]);
    expect(failures[0]).toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await shop.events()).toHaveLength(1);
  });

  test('belongs to one caller of one workspace: others may use the same word.', async () => {
    const [shop, other] = [await createWorkspace(db), await createWorkspace(db)];
    const callers = [
      await shop.asUser('ADMIN'),
      await shop.asUser('ADMIN'),
      await shop.asKey('ADMIN'),
      await other.asUser('ADMIN'),
    ];
    const made: Customer[] = [];
    for (const caller of callers) made.push(await call(caller));
    expect(new Set(made.map(({ id }) => id)).size).toBe(4);
  });

  test('is not used up by a fault of ours: the repeated call does the work.', async () => {
    const shop = await createWorkspace(db);
    const admin = await shop.asUser('ADMIN');
    const broken = { ...admin, clock: { now: () => new Date(Number.NaN) } };
    await expect(call(broken)).rejects.not.toBeInstanceOf(InvalidInput);
    expect(await keysOf(admin)).toEqual([]);
    expect(await db.customer.count({ where: { workspaceId: shop.workspace.id } })).toBe(0);
    expect(await call(admin)).toMatchObject({ firstName: 'Ada' });
  });
});
