import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { InvalidInput, InvalidState, Refused } from '../../../src/core/errors.ts';
import { encodeId, newId } from '../../../src/core/ids.ts';
import { createBooking } from '../../../src/resolvers/bookings/createBooking.ts';
import { claimBulkOperation } from '../../../src/resolvers/bulkOperations/bulkOperationState.ts';
import { cancelBulkOperation } from '../../../src/resolvers/bulkOperations/cancelBulkOperation.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';
import { updateCustomer } from '../../../src/resolvers/customers/updateCustomer.ts';
import { runImport } from '../../../src/resolvers/imports/runImport.ts';
import { startImport } from '../../../src/resolvers/imports/startImport.ts';
import { recordPayment } from '../../../src/resolvers/payments/recordPayment.ts';
import { createService } from '../../../src/resolvers/services/createService.ts';
import { createStaffMember } from '../../../src/resolvers/staffMembers/createStaffMember.ts';
import { createUpload } from '../../../src/resolvers/uploads/createUpload.ts';
import { pruneUploads } from '../../../src/resolvers/uploads/pruneUploads.ts';
import { createWorkspace, openTestDatabase, refused } from '../../support/context.ts';
import { csv, importFile, upload, work } from './importing.ts';

const db = await openTestDatabase();

const mapping = {
  customer: { externalId: 'who', firstName: 'name', email: 'mail' },
  booking: { service: 'what', startsAt: 'on', durationMinutes: { text: '30' }, price: 'price' },
  payment: { amount: 'price', paidAt: 'on' },
};
const header = 'who,name,mail,what,on,price';

test('Rows become customers, bookings and payments, with events of the time when it happened and of origin IMPORT.', async () => {
  const shop = await createWorkspace(db, { timeZone: 'Europe/Berlin' });
  const ctx = await shop.asUser('ADMIN');
  const ended = await importFile(
    ctx,
    csv(
      header,
      '7,Ada,ada@example.com,Cut,2024-07-01T10:00,25.50',
      '7,Ada,ada@example.com,Cut,2024-08-01T10:00:00Z,0',
      '8,Bob,,Colour,2024-01-01,110',
    ),
    mapping,
  );
  expect(ended).toMatchObject({
    status: 'COMPLETED',
    ...{ rowsDone: 3, rowsRefused: 0, rowsKnown: 0 },
    ...{ customersCreated: 2, bookingsCreated: 3, paymentsCreated: 3 },
  });
  const ada = await db.customer.findFirstOrThrow({
    where: { workspaceId: shop.workspace.id, externalId: '7' },
    include: {
      bookings: { orderBy: { startsAt: 'asc' }, include: { service: true, payments: true } },
      spending: true,
    },
  });
  expect(ada).toMatchObject({
    ...{ firstName: 'Ada', email: 'ada@example.com', totalBookings: 2, completedBookings: 2 },
    createdAt: new Date('2024-07-01T08:00:00Z'),
    spending: [{ amountMinor: 2550n, payments: 2, currency: 'EUR' }],
    bookings: [
      {
        status: 'COMPLETED',
        startsAt: new Date('2024-07-01T08:00:00Z'),
        endsAt: new Date('2024-07-01T08:30:00Z'),
        priceMinor: 2550n,
        service: { name: 'Cut', durationMinutes: 60 },
        payments: [{ amountMinor: 2550n }],
      },
      { startsAt: new Date('2024-08-01T10:00:00Z'), payments: [{ amountMinor: 0n }] },
    ],
  });
  const events = await db.eventOutbox.findMany({
    where: { workspaceId: shop.workspace.id, customerId: ada.id },
  });
  expect(
    events.map(({ type, origin, occurredAt }) => `${type} ${origin} ${occurredAt.toISOString()}`).sort(),
  ).toEqual([
    'booking.created IMPORT 2024-07-01T08:00:00.000Z',
    'booking.created IMPORT 2024-08-01T10:00:00.000Z',
    'customer.created IMPORT 2024-07-01T08:00:00.000Z',
    'payment.recorded IMPORT 2024-07-01T08:00:00.000Z',
    'payment.recorded IMPORT 2024-08-01T10:00:00.000Z',
  ]);
  expect((await shop.events()).every(({ actorId }) => 'id' in ctx.viewer && actorId === ctx.viewer.id)).toBe(
    true,
  );
  expect((await shop.events('bulk_operation.finished'))[0]?.data).toEqual({
    ...{ kind: 'IMPORT', status: 'COMPLETED', rowsDone: 3, rowsRefused: 0 },
  });
});

test('Where the file says when it was booked, what became of the booking is an event of its own.', async () => {
  const shop = await createWorkspace(db, { timeZone: 'UTC' });
  const ctx = await shop.asUser('MANAGER');
  await importFile(
    ctx,
    csv(
      'mail,on,booked,state,off',
      'a@example.com,2024-05-01T10:00,2024-04-01,x,2024-04-20',
      'b@example.com,2024-05-01T10:00,2024-04-01,ok,',
    ),
    {
      customer: { email: 'mail' },
      booking: {
        ...{ service: { text: 'Cut' }, startsAt: 'on', bookedAt: 'booked', cancelledAt: 'off' },
        status: { lookup: 'state', in: { x: 'CANCELLED', ok: 'COMPLETED' } },
      },
    },
  );
  const events = await db.eventOutbox.findMany({
    where: { workspaceId: shop.workspace.id, type: { startsWith: 'booking.' } },
  });
  expect(
    events.map(({ type, occurredAt, data }) => [
      type,
      occurredAt.toISOString(),
      (data as { status: string }).status,
    ]),
  ).toEqual([
    ['booking.created', '2024-04-01T00:00:00.000Z', 'CONFIRMED'],
    ['booking.created', '2024-04-01T00:00:00.000Z', 'CONFIRMED'],
    ['booking.cancelled', '2024-04-20T00:00:00.000Z', 'CANCELLED'],
    ['booking.completed', '2024-05-01T11:00:00.000Z', 'COMPLETED'],
  ]);
});

test('Rows that are equal in every column are different bookings, and the same file again adds nothing.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const twice = '7,Ada,,Cut,2024-07-01T10:00,25';
  const file = csv(header, twice, twice);
  expect(await importFile(ctx, file, mapping)).toMatchObject({
    bookingsCreated: 2,
    paymentsCreated: 2,
    customersCreated: 1,
  });
  const events = (await shop.events()).filter(({ type }) => !type.startsWith('bulk_operation.'));
  // Packed or not, it is the same file.
  for (const again of [file, gzipSync(file)]) {
    expect(await importFile(ctx, again, mapping)).toMatchObject({
      ...{ status: 'COMPLETED', rowsDone: 2, rowsKnown: 2, rowsRefused: 0 },
      ...{ customersCreated: 0, bookingsCreated: 0, paymentsCreated: 0 },
    });
  }
  expect((await shop.events()).filter(({ type }) => !type.startsWith('bulk_operation.'))).toEqual(events);
});

test('A row is refused with its columns and every reason, leaves nothing behind, and keeps none of the others out.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const ended = await importFile(
    ctx,
    csv(
      header,
      '1,Ada,ada@,Cut,2024-07-01T10:00,25',
      '2,Bob,,Cut,yesterday,-3',
      '3,Cy,,Cut,2024-07-01T10:00,25',
      '4,,,,2024-07-01T10:00,25',
      '5,Eve,,Cut,2024-07-01T10:00',
      '6,Flo,,Cut,2024-07-01T10:00,2.345',
      '7,Gus,,Cut,2999-07-01T10:00,2',
    ),
    mapping,
  );
  expect(ended).toMatchObject({ status: 'COMPLETED', rowsDone: 7, rowsRefused: 6, customersCreated: 1 });
  const said = ended.refusals.map(
    ({ row, columns, field, message }) => `${row} [${columns}] ${field}: ${message}`,
  );
  expect(said).toEqual([
    '1 [mail] customer.email: Must be an e-mail address, such as ada@example.com.',
    '2 [on] booking.startsAt: Must be a date or a date and time, as in 2026-11-30T09:30.',
    '2 [price] booking.price: Must be zero or more, with at most 2 decimal places for EUR.',
    '2 [on] payment.paidAt: Must be a date or a date and time, as in 2026-11-30T09:30.',
    '2 [price] payment.amount: Must be zero or more, with at most 2 decimal places for EUR.',
    '4 [who, name, mail] customer: Give at least one of firstName, lastName, companyName, email and phone.',
    '4 [what] booking.service: Is missing.',
    '5 [] : The row has 5 cells, the header has 6.',
    '6 [price] booking.price: Must be zero or more, with at most 2 decimal places for EUR.',
    '6 [price] payment.amount: Must be zero or more, with at most 2 decimal places for EUR.',
    '7 [on] payment.paidAt: Must not be in the future.',
  ]);
  expect(await db.customer.count({ where: { workspaceId: shop.workspace.id } })).toBe(1);
});

test('A customer is known by the external id, or else by e-mail address; an address of somebody else is refused.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const known = await createCustomer(ctx, { externalId: '1', firstName: 'Ada' });
  const mailed = await createCustomer(ctx, { email: 'bob@example.com' });
  await createCustomer(ctx, { externalId: 'other', email: 'cy@example.com' });
  const ended = await importFile(
    ctx,
    csv(
      header,
      '1,Somebody,,Cut,2024-07-01T10:00,1',
      '2,Bob,Bob@example.com,Cut,2024-07-01T10:00,1',
      '3,Cy,cy@example.com,Cut,2024-07-01T10:00,1',
      '4,Dan,dan@example.com,Cut,2024-07-01T10:00,1',
      ',Dan,dan@example.com,Cut,2024-07-02T10:00,1',
      '5,Eve,dan@example.com,Cut,2024-07-02T10:00,1',
    ),
    mapping,
  );
  expect(ended.refusals).toEqual(
    [3, 6].map((row) => ({
      ...{
        row,
        columns: 'mail',
        field: 'customer.email',
        message: 'Another customer has this e-mail address.',
      },
    })),
  );
  expect(ended).toMatchObject({ customersCreated: 1, bookingsCreated: 4 });
  const bookings = await db.booking.groupBy({
    by: ['customerId'],
    where: { workspaceId: shop.workspace.id },
    _count: true,
  });
  expect(bookings.find(({ customerId }) => customerId === known.id)?._count).toBe(1);
  expect(bookings.find(({ customerId }) => customerId === mailed.id)?._count).toBe(1);
  expect(bookings.length).toBe(3);
  expect((await db.customer.findUniqueOrThrow({ where: { id: known.id } })).firstName).toBe('Ada');
});

test('What the database refuses keeps out the row that is to blame, and no other.', async () => {
  const shop = await createWorkspace(db, { timeZone: 'UTC' });
  const ctx = await shop.asUser('ADMIN');
  const customer = await createCustomer(ctx, { externalId: 'c', firstName: 'Ada' });
  const blocked = await createCustomer(ctx, { externalId: 'blocked', firstName: 'Bo' });
  await updateCustomer(ctx, { id: encodeId('Customer', blocked.id), status: 'BLOCKED' });
  const staff = await createStaffMember(ctx, { displayName: 'Kim' });
  const service = await createService(ctx, { name: 'Cut', durationMinutes: 60 });
  await createService(ctx, { name: 'Yoga', durationMinutes: 60, capacity: 2 });
  const customerId = encodeId('Customer', customer.id);
  const startsAt = new Date('2027-01-04T10:00:00Z');
  await createBooking(ctx, {
    customerId,
    serviceId: encodeId('Service', service.id),
    staffMemberId: encodeId('StaffMember', staff.id),
    startsAt,
  });
  await recordPayment(ctx, {
    customerId,
    amount: { amount: '5', currency: 'EUR' },
    method: 'CARD',
    transactionId: 'pi_1',
  });
  const plain = Array.from({ length: 20 }, (_, n) => `p${n},Cut,2027-02-01T10:00,,pi-${n}`);
  const ended = await importFile(
    ctx,
    csv(
      'who,what,on,with,transaction',
      ...plain,
      'taken,Cut,2027-01-04T10:30,Kim,t1',
      'after,Cut,2027-01-04T11:00,Kim,t2',
      'y1,Yoga,2027-01-04T08:00,,t3',
      'y2,Yoga,2027-01-04T08:00,,t4',
      'y3,Yoga,2027-01-04T08:00,,t5',
      'paid,Cut,2027-03-01T10:00,,pi_1',
      'blocked,Cut,2027-03-01T10:00,,t6',
      'new,Shave,2027-03-01T10:00,Lee,t7',
    ),
    {
      customer: { externalId: 'who', firstName: 'who' },
      booking: { service: 'what', startsAt: 'on', staffMember: 'with' },
      payment: {
        amount: { text: '1' },
        method: { text: 'CARD' },
        transactionId: 'transaction',
        paidAt: { text: '2026-11-01' },
      },
    },
  );
  expect(ended.refusals.map(({ row, field, message }) => `${row} ${field}: ${message}`)).toEqual([
    '21 booking.staffMemberId: The staff member is taken at that time.',
    '25 booking: Every place of this session is taken.',
    '26 payment.transactionId: This transaction of this provider is recorded already.',
    '27 customer: The customer is blocked and may not book.',
  ]);
  expect(ended).toMatchObject({ rowsDone: 28, bookingsCreated: 24, paymentsCreated: 24 });
  const session = await db.classSession.findFirstOrThrow({ where: { workspaceId: shop.workspace.id } });
  expect(session).toMatchObject({ taken: 2, capacity: 2 });
  expect(await db.staffMember.count({ where: { workspaceId: shop.workspace.id } })).toBe(2);
  expect(
    await db.customer.count({
      where: { workspaceId: shop.workspace.id, externalId: { in: ['taken', 'y3', 'paid'] } },
    }),
  ).toBe(0);
});

test('An import that is called off keeps what was done, and goes on no further.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const rows = Array.from({ length: 2_500 }, (_, n) => `${n},Ada,,Cut,2024-07-01T10:00,1`);
  const operation = await startImport(ctx, { uploadId: await upload(ctx, csv(header, ...rows)), mapping });
  const worker = newId();
  const claimed = await claimBulkOperation(ctx, worker);
  expect(claimed?.id).toBe(operation.id);
  expect(await claimBulkOperation(ctx, newId())).toBeNull(); // It has a worker.
  let batches = 0;
  const id = encodeId('BulkOperation', operation.id);
  const meddling = {
    ...ctx,
    async committed() {
      if (++batches === 2) await cancelBulkOperation(ctx, { id });
    },
  };
  await expect(
    runImport(meddling, { ...operation, status: 'RUNNING' }, worker, new AbortController().signal),
  ).rejects.toThrow('called off');
  const ended = await db.bulkOperation.findUniqueOrThrow({ where: { id: operation.id } });
  expect(ended.status).toBe('CANCELLED');
  expect([1_000, 2_000]).toContain(ended.rowsDone);
  expect(await db.booking.count({ where: { workspaceId: shop.workspace.id } })).toBe(ended.rowsDone);
  expect(await refused(ctx, () => cancelBulkOperation(ctx, { id }))).toBeInstanceOf(InvalidState);
});

test('A worker that lost its claim to another writes nothing more; the other goes on behind the checkpoint.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const rows = Array.from({ length: 2_500 }, (_, n) => `${n},Ada,,Cut,2024-07-01T10:00,1`);
  const { id } = await startImport(ctx, { uploadId: await upload(ctx, csv(header, ...rows)), mapping });
  const slow = newId();
  const operation = await claimBulkOperation(ctx, slow);
  if (!operation) throw new Error('nothing to claim');
  let batches = 0;
  const stopping = new AbortController();
  const interrupted = {
    ...ctx,
    async committed() {
      if (++batches === 2) stopping.abort();
    },
  };
  await runImport(interrupted, operation, slow, stopping.signal);
  const { rowsDone } = await db.bulkOperation.findUniqueOrThrow({ where: { id } });
  expect(rowsDone).toBeLessThan(2_500);
  await db.$executeRaw`UPDATE bulk_operation SET claimed_until = now() - interval '1 second' WHERE id = ${id}::uuid`;
  const [late] = await Promise.allSettled([
    (async () => {
      await work(ctx);
      await runImport(ctx, operation, slow, new AbortController().signal); // As if it had been asleep.
    })(),
  ]);
  expect(late.status).toBe('rejected');
  expect(await db.bulkOperation.findUniqueOrThrow({ where: { id } })).toMatchObject({
    ...{ status: 'COMPLETED', rowsDone: 2_500, bookingsCreated: 2_500, customersCreated: 2_500 },
  });
  expect(await db.booking.count({ where: { workspaceId: shop.workspace.id } })).toBe(2_500);
});

test('What cannot be imported at all is refused before it starts, with every reason.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const uploadId = await upload(ctx, csv(header, '1,Ada,,Cut,2024-07-01T10:00,1'));
  const start = (given: unknown) => refused(ctx, () => startImport(ctx, { uploadId, mapping: given }));
  const wrong = await start({
    refuse: [{ value: { sum: [] }, in: ['0'], because: 'None.' }],
    customer: { email: 'e-mail', firstName: { upper: 'name' }, lastName: { join: ['name'], by: ' ' } },
    booking: { startsAt: { date: 'on', format: 7 } },
  });
  expect(wrong).toBeInstanceOf(InvalidInput);
  expect((wrong as InvalidInput).issues).toEqual([
    {
      path: 'mapping.customer.firstName',
      message: expect.stringContaining('Must have one transform, of text, join'),
    },
    { path: 'mapping.customer.lastName', message: '"by" does not belong to "join".' },
    {
      path: 'mapping.customer.email',
      message: 'The file has no column "e-mail"; it has who, name, mail, what, on, price.',
    },
    { path: 'mapping.booking.startsAt.date.format', message: 'Must be a format, such as dd/MM/yyyy.' },
    { path: 'mapping.refuse.0.sum', message: 'Must be a list of values.' },
    { path: 'mapping.booking.service', message: 'Is needed.' },
  ]);
  expect(await start({ customers: {} })).toMatchObject({
    issues: expect.arrayContaining([expect.objectContaining({ path: 'mapping' })]),
  });
  expect(await start({ ...mapping, timeZone: 'Mars/Base' })).toMatchObject({
    issues: [{ path: 'mapping.timeZone' }],
  });
  expect(await start({ ...mapping, format: { encoding: 'klingon' } })).toMatchObject({
    issues: [{ path: 'mapping.format.encoding' }],
  });

  const unfinished = await createUpload(ctx, { fileName: 'b.csv', size: 10 });
  const early = () => startImport(ctx, { uploadId: encodeId('Upload', unfinished.id), mapping });
  expect(await refused(ctx, early)).toBeInstanceOf(InvalidState);
  const stranger = await (await createWorkspace(db)).asUser('ADMIN');
  expect(await refused(stranger, () => startImport(stranger, { uploadId, mapping }))).toMatchObject({
    code: 'NOT_FOUND',
  });
  const viewer = await shop.asUser('VIEWER');
  expect(await refused(viewer, () => startImport(viewer, { uploadId, mapping }))).toBeInstanceOf(Refused);
});

test('A file that breaks off or turns into something else fails where it does, and keeps the rows before.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const rows = Array.from({ length: 3_000 }, (_, n) => `${n},Ada,,Cut,2024-07-01T10:00,${n}.25`);
  const whole = gzipSync(csv(header, ...rows));
  const broken = await importFile(ctx, whole.subarray(0, whole.length - 2_000), mapping);
  expect(broken).toMatchObject({
    status: 'FAILED',
    error: expect.stringContaining('gzip archive is damaged'),
  });
  const latin = Buffer.from(csv(header, '1,Zoë,,Cut,2024-07-01T10:00,1'), 'latin1');
  const start = async () => startImport(ctx, { uploadId: await upload(ctx, latin), mapping });
  await expect(start()).rejects.toThrow('not valid utf-8');
  await importFile(ctx, latin, { ...mapping, format: { encoding: 'windows-1252' } });
  expect(
    await db.customer.findFirst({ where: { workspaceId: shop.workspace.id, externalId: '1' } }),
  ).toMatchObject({ firstName: 'Zoë' });
  const unclosed = csv(header, '2,Ada,,Cut,2024-07-01T10:00,1', '3,"Bob,,Cut,2024-07-01T10:00,1');
  expect(await importFile(ctx, unclosed, mapping)).toMatchObject({
    status: 'FAILED',
    error: expect.stringContaining('cannot be read as CSV'),
  });
});

test('An idempotency key starts one import, however often it is sent.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const input = {
    uploadId: await upload(ctx, csv(header, '1,Ada,,Cut,2024-07-01T10:00,1')),
    mapping,
    idempotencyKey: 'k',
  };
  const ids = new Set([(await startImport(ctx, input)).id, (await startImport(ctx, input)).id]);
  expect(ids.size).toBe(1);
  await work(ctx);
});

test('Uploads are pruned a day after they were last needed; their operations stay.', async () => {
  const shop = await createWorkspace(db);
  const ctx = await shop.asUser('ADMIN');
  const { id } = await importFile(ctx, csv(header, '1,Ada,,Cut,2024-07-01T10:00,1'), mapping);
  await createUpload(ctx, { fileName: 'never.csv', size: 10 });
  const left = () => db.upload.count({ where: { workspaceId: shop.workspace.id } });
  shop.clock.advance({ hours: 20 });
  await pruneUploads(ctx);
  expect(await left()).toBe(2);
  shop.clock.advance({ hours: 20 });
  await pruneUploads(ctx);
  expect(await left()).toBe(0);
  expect(await db.uploadChunk.count({ where: { workspaceId: shop.workspace.id } })).toBe(0);
  expect(await db.bulkOperation.findUniqueOrThrow({ where: { id } })).toMatchObject({
    uploadId: null,
    rowsDone: 1,
  });
});

const shipped = (file: string) => readFileSync(new URL(`../../../demo/${file}`, import.meta.url));

test('The first thousands of both files that ship go in with their mappings, and again with nothing new.', {
  timeout: 120_000,
}, async () => {
  const head = (packed: Buffer, rows: number) =>
    `${gunzipSync(packed)
      .toString()
      .split('\n')
      .slice(0, rows + 1)
      .join('\n')}\n`;
  for (const [file, named, rows, made] of [
    [
      'cdnow/CDNOW_master.txt.gz',
      'cdnow',
      2_000,
      { customersCreated: 586, bookingsCreated: 2_000, paymentsCreated: 2_000, rowsRefused: 0 },
    ],
    [
      'hotel/hotels.csv.gz',
      'hotel',
      2_000,
      { customersCreated: 1_968, bookingsCreated: 1_968, paymentsCreated: 1_234, rowsRefused: 32 },
    ],
  ] as const) {
    const shop = await createWorkspace(db);
    const ctx = await shop.asUser('ADMIN');
    const content = head(shipped(file), rows);
    const as = JSON.parse(shipped(`${named}/mapping.json`).toString());
    expect(await importFile(ctx, content, as)).toMatchObject({
      status: 'COMPLETED',
      rowsDone: rows,
      ...made,
    });
    const again = await importFile(ctx, content, as);
    expect(again).toMatchObject({
      customersCreated: 0,
      bookingsCreated: 0,
      paymentsCreated: 0,
      rowsKnown: rows - made.rowsRefused,
    });
    const workspaceId = shop.workspace.id;
    const [wrong] = await db.$queryRaw<{ count: bigint }[]>`
      SELECT count(*) FROM customer c WHERE workspace_id = ${workspaceId}::uuid AND total_bookings <>
        (SELECT count(*) FROM booking b WHERE b.workspace_id = c.workspace_id AND b.customer_id = c.id)`;
    expect(wrong?.count).toBe(0n);
  }
});

test('A file of which the database refuses every row says so of each, and leaves nothing behind.', {
  timeout: 120_000,
}, async () => {
  const shop = await createWorkspace(db, { timeZone: 'UTC' });
  const ctx = await shop.asUser('ADMIN');
  const rows = Array.from({ length: 301 }, (_, n) => `w${n},Cut,2027-01-04T10:00,Kim`);
  const ended = await importFile(ctx, csv('who,what,on,with', ...rows), {
    customer: { externalId: 'who', firstName: 'who' },
    booking: { service: 'what', startsAt: 'on', staffMember: 'with' },
  });
  expect(ended).toMatchObject({
    status: 'COMPLETED',
    rowsDone: 301,
    rowsRefused: 300,
    bookingsCreated: 1,
    customersCreated: 1,
  });
  expect(await db.customer.count({ where: { workspaceId: shop.workspace.id } })).toBe(1);
});

test('A customer who is erased while the import waits for them is not booked for: nothing personal comes to stand with what is left.', async () => {
  const shop = await createWorkspace(db, { timeZone: 'UTC' });
  const ctx = await shop.asUser('ADMIN');
  const erased = await createCustomer(ctx, { externalId: '7', firstName: 'Ada' });
  let held: () => void = () => {};
  const holding = new Promise<void>((resolve) => {
    held = resolve;
  });
  // What deleteCustomer does, slowly.
  const erasing = db.$transaction(async (tx) => {
    await tx.customer.update({ where: { id: erased.id }, data: { externalId: null, deletedAt: new Date() } });
    held();
    await sleep(1_000);
  });
  await holding;
  const ended = await importFile(ctx, csv(header, '7,Ada,,Cut,2024-07-01T10:00,1'), {
    ...mapping,
    booking: { ...mapping.booking, notes: { text: 'Allergic.' } },
  });
  await erasing;
  expect(ended).toMatchObject({ customersCreated: 1, bookingsCreated: 1, rowsRefused: 0 });
  expect(await db.booking.count({ where: { customerId: erased.id } })).toBe(0);
});
