import { expect, test } from 'vitest';
import type { Context } from '../../src/core/context.ts';
import { encodeId } from '../../src/core/ids.ts';
import { startBulkOperations } from '../../src/jobs/bulkOperations.ts';
import { connectIntegration } from '../../src/resolvers/connections/connectIntegration.ts';
import { repairIntegrationDrift } from '../../src/resolvers/connections/repairIntegrationDrift.ts';
import { startBackfill } from '../../src/resolvers/connections/startBackfill.ts';
import { startDriftCheck } from '../../src/resolvers/connections/startDriftCheck.ts';
import { updateIntegration } from '../../src/resolvers/connections/updateIntegration.ts';
import { createCustomer } from '../../src/resolvers/customers/createCustomer.ts';
import { deleteCustomer } from '../../src/resolvers/customers/deleteCustomer.ts';
import { updateCustomer } from '../../src/resolvers/customers/updateCustomer.ts';
import { addTags } from '../../src/resolvers/tags/addTags.ts';
import { startHubSpot } from '../peers/hubspot/startHubSpot.ts';
import { openTestDatabase } from '../support/context.ts';
import { eventually } from '../support/gateway.ts';
import { connect, openPeer, openStudio, settled } from './studio.ts';

const db = await openTestDatabase();

async function people(admin: Context, count: number) {
  for (let n = 0; n < count; n++)
    await createCustomer(admin, {
      email: `p${n}@example.com`,
      firstName: `P ${n}`,
      marketingConsent: n % 2 === 0,
    });
}

async function ended(id: string) {
  const state = () => db.bulkOperation.findUniqueOrThrow({ where: { id } });
  await eventually('the operation ends', async () => (await state()).finishedAt !== null, 40_000);
  return state();
}

test('A backfill sends every customer by imports, survives its worker, says how far it is, and is not repeated by the next change.', async () => {
  const peer = await openPeer({ importAfterMs: 1_000 });
  const studio = await openStudio(db);
  const { admin, workspace, services } = studio;
  const list = peer.addList('Newsletter');
  peer.createContact({ email: 'p4@example.com' });
  peer.subscribe('p4@example.com', 'Newsletter');
  peer.unsubscribe('p4@example.com');
  await people(admin, 310);
  const { connection, id } = await connect(admin, peer, { defaultListId: list });
  peer.forgetCalls();
  const operation = await startBackfill(admin, { connectionId: id });
  await expect(startBackfill(admin, { connectionId: id })).rejects.toMatchObject({ code: 'INVALID_STATE' });
  const first = startBulkOperations(services);
  await eventually(
    'a batch is handed over',
    async () => (await db.bulkOperation.findUniqueOrThrow({ where: { id: operation.id } })).rowsDone > 0,
  );
  await first.stop();
  // What changes before the system comes to its import: the import must not be what stays.
  const idOf = async (email: string) => {
    const where = { workspaceId: workspace.id, email };
    return encodeId('Customer', (await db.customer.findFirstOrThrow({ where })).id);
  };
  await updateCustomer(admin, { id: await idOf('p3@example.com'), firstName: 'Meanwhile' });
  await deleteCustomer(admin, { id: await idOf('p5@example.com') });
  const second = startBulkOperations(services);
  try {
    expect(await ended(operation.id)).toMatchObject({
      ...{ status: 'COMPLETED', rowsDone: 310, rowsSent: 309, rowsRefused: 0, customersCreated: 0 },
    });
    await settled(db, workspace.id);
    expect(peer.contact('p3@example.com')).toMatchObject({ firstName: 'Meanwhile' });
    expect(peer.contacts()).toHaveLength(309);
    expect(peer.contact('p5@example.com')).toBeUndefined();
    expect(peer.contact('p0@example.com')).toMatchObject({ firstName: 'P 0', lists: { Newsletter: '1' } });
    expect(peer.contact('p1@example.com')!.lists).toEqual({});
    expect(peer.contact('p4@example.com')!.lists).toEqual({ Newsletter: '2' });
    expect(
      await db.integrationContact.count({ where: { connectionId: connection.id, remoteId: { not: null } } }),
    ).toBe(309);

    // The next one finds all of them as they are.
    const again = await ended((await startBackfill(admin, { connectionId: id })).id);
    expect(again).toMatchObject({ status: 'COMPLETED', rowsDone: 309, rowsKnown: 309 });
    peer.forgetCalls();
    await updateCustomer(admin, { id: await idOf('p1@example.com'), lastName: 'Later' });
    await settled(db, workspace.id);
    expect(peer.calls().map(({ method }) => method)).toEqual(['PUT']);
  } finally {
    await second.stop();
  }
}, 90_000);

test('A drift check finds what differs and what is missing on either side, and each is mended as asked.', async () => {
  const peer = await openPeer();
  const { admin, workspace, services } = await openStudio(db);
  const field = peer.addField('Job', 'text');
  const { connection, id } = await connect(admin, peer, {
    fieldMappings: [{ local: 'jobTitle', remote: field, direction: 'BOTH' }],
  });
  await people(admin, 5);
  await settled(db, workspace.id);
  const worker = startBulkOperations(services);
  const check = async () => {
    await ended((await startDriftCheck(admin, { connectionId: id })).id);
    const found = await db.integrationDrift.findMany({ where: { connectionId: connection.id } });
    return found.map(({ difference, fields }) => `${difference} ${fields.join()}`.trim()).sort();
  };
  try {
    expect(await check()).toEqual([]);
    peer.editContact('p0@example.com', { firstName: 'Another' });
    peer.editContact('p1@example.com', { fields: { Job: 'Poet' } });
    peer.deleteContact('p2@example.com');
    peer.createContact({ email: 'new@example.com', firstName: 'New' });
    const all = ['DIFFERS firstName', 'DIFFERS jobTitle', 'MISSING_HERE', 'MISSING_THERE'];
    expect(await check()).toEqual(all);

    const [job] = await db.integrationDrift.findMany({
      where: { connectionId: connection.id, fields: { has: 'jobTitle' } },
    });
    await repairIntegrationDrift(admin, {
      id,
      winner: 'REMOTE',
      driftIds: [encodeId('IntegrationDrift', job!.id)],
    });
    await settled(db, workspace.id);
    expect(await db.customer.count({ where: { workspaceId: workspace.id, jobTitle: 'Poet' } })).toBe(1);
    await repairIntegrationDrift(admin, { id, winner: 'FRONTDESK' });
    await settled(db, workspace.id);
    expect(peer.contact('p0@example.com')).toMatchObject({ firstName: 'P 0' });
    expect(peer.contact('p2@example.com')).toMatchObject({ firstName: 'P 2' });
    await repairIntegrationDrift(admin, { id, winner: 'REMOTE' });
    await settled(db, workspace.id);
    expect(
      await db.customer.count({
        where: { workspaceId: workspace.id, email: 'new@example.com', firstName: 'New' },
      }),
    ).toBe(1);
    expect(await check()).toEqual([]);
  } finally {
    await worker.stop();
  }
});

test('Tags and lists are compared without a call for each contact, and mended either way; nobody who left a list is put back.', async () => {
  const peer = await openPeer();
  const { admin, workspace, services } = await openStudio(db);
  const list = peer.addList('Newsletter');
  const field = peer.addField('Job', 'text');
  const { connection, id } = await connect(admin, peer, {
    fieldMappings: [{ local: 'jobTitle', remote: field, direction: 'BOTH' }],
    scoreTags: [{ from: -1_000_000, tag: 'Lead' }],
  });
  await people(admin, 4);
  const find = (n: number) =>
    db.customer.findFirstOrThrow({
      where: { workspaceId: workspace.id, email: `p${n}@example.com` },
      include: { tags: { include: { tag: true } } },
    });
  const all = await Promise.all([0, 1, 2, 3].map(find));
  const customerIds = all.map((one) => encodeId('Customer', one.id));
  await addTags(admin, { customerIds, tags: ['VIP'] });
  await settled(db, workspace.id);
  const worker = startBulkOperations(services);
  const check = async () => {
    await ended((await startDriftCheck(admin, { connectionId: id })).id);
    const found = await db.integrationDrift.findMany({ where: { connectionId: connection.id } });
    return new Map(
      all.flatMap((customer, n) => {
        const drift = found.find(({ customerId }) => customerId === customer.id);
        return drift ? [[n, drift]] : [];
      }),
    );
  };
  const fields = (found: Awaited<ReturnType<typeof check>>) =>
    [...found].map(([n, drift]) => `p${n} ${drift.fields}`);
  const repair = async (winner: string, ...ids: string[]) => {
    const driftIds = ids.map((one) => encodeId('IntegrationDrift', one));
    await repairIntegrationDrift(admin, { id, winner, ...(ids.length > 0 && { driftIds }) });
    await settled(db, workspace.id);
  };
  try {
    peer.forgetCalls();
    expect(fields(await check())).toEqual([]);
    expect(peer.calls().map(({ method }) => method)).toEqual(['GET']);

    // From now on there is a list, that p2 has left before; p0 and p2 agreed.
    peer.subscribe('p2@example.com', 'Newsletter');
    peer.unsubscribe('p2@example.com');
    await updateIntegration(admin, { id, settings: { defaultListId: list } });
    peer.untagContact('p0@example.com', 'VIP');
    peer.untagContact('p1@example.com', 'VIP');
    peer.untagContact('p1@example.com', 'Lead');
    peer.tagContact('p3@example.com', 'Theirs');
    const found = await check();
    expect(fields(found)).toEqual(['p0 tags,lists', 'p1 tags', 'p2 lists', 'p3 tags']);

    await repair('REMOTE', found.get(1)!.id);
    expect((await find(1)).tags).toEqual([]);
    expect(peer.contact('p1@example.com')!.tags).toEqual(['Lead']);
    await repair('FRONTDESK');
    expect(peer.contact('p0@example.com')).toMatchObject({
      tags: ['Lead', 'VIP'],
      lists: { Newsletter: '1' },
    });
    expect(peer.contact('p2@example.com')!.lists).toEqual({ Newsletter: '2' });
    expect(await find(2)).toMatchObject({
      marketingConsent: false,
      marketingConsentSource: 'ActiveCampaign',
    });
    expect(peer.contact('p3@example.com')!.tags).toEqual(['Lead', 'VIP']);
    expect(fields(await check())).toEqual([]);

    // What they added is taken over when they are right.
    peer.tagContact('p3@example.com', 'Theirs');
    expect(fields(await check())).toEqual(['p3 tags']);
    await repair('REMOTE');
    expect((await find(3)).tags.map(({ tag }) => tag.name).sort()).toEqual(['Theirs', 'VIP']);
    expect(fields(await check())).toEqual([]);
  } finally {
    await worker.stop();
  }
});

test('A second system needs a folder alone: HubSpot is sent, backfilled and listened to by the same rules.', async () => {
  const peer = await startHubSpot({ rate: 10_000, indexedAfterMs: 10 });
  const { admin, workspace, services } = await openStudio(db);
  const worker = startBulkOperations(services);
  try {
    await people(admin, 12);
    const { id } = await connectIntegration(admin, {
      integration: 'hubspot',
      settings: { apiUrl: peer.url, accessToken: peer.accessToken, spacingMs: 0 },
    });
    const connectionId = encodeId('IntegrationConnection', id);
    expect(await ended((await startBackfill(admin, { connectionId })).id)).toMatchObject({
      status: 'COMPLETED',
    });
    await settled(db, workspace.id);
    expect(peer.contacts()).toHaveLength(12);
    const { id: p1 } = await db.customer.findFirstOrThrow({
      where: { workspaceId: workspace.id, email: 'p1@example.com' },
    });
    await updateCustomer(admin, { id: encodeId('Customer', p1), lastName: 'Later' });
    await settled(db, workspace.id);
    expect(peer.contacts().find(({ properties }) => properties.email === 'p1@example.com')).toMatchObject({
      properties: { firstname: 'P 1', lastname: 'Later' },
    });
  } finally {
    await worker.stop();
    await peer.stop();
  }
});
