import { afterAll, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../../src/core/database.ts';
import { encodeId } from '../../src/core/ids.ts';
import { pollConnection } from '../../src/resolvers/connections/pollConnection.ts';
import { createCustomer } from '../../src/resolvers/customers/createCustomer.ts';
import { deleteCustomer } from '../../src/resolvers/customers/deleteCustomer.ts';
import { updateCustomer } from '../../src/resolvers/customers/updateCustomer.ts';
import { addSegmentMembers } from '../../src/resolvers/segments/addSegmentMembers.ts';
import { createSegment } from '../../src/resolvers/segments/createSegment.ts';
import { addTags } from '../../src/resolvers/tags/addTags.ts';
import { removeTags } from '../../src/resolvers/tags/removeTags.ts';
import { schema } from '../../src/schema/schema.ts';
import type { ActiveCampaign } from '../peers/activecampaign/activeCampaign.ts';
import { createTestDatabase } from '../support/database.ts';
import { startInProcess } from '../support/gateway.ts';
import { connect, openPeer, openStudio, type Studio, settled } from './studio.ts';

const { url: databaseUrl, drop } = await createTestDatabase();
const db = openDatabase(databaseUrl);
const gateway = await startInProcess({ databaseUrl, schema, env: { ALLOW_PRIVATE_PEERS: 'true' } });
afterAll(async () => {
  await gateway.stop();
  await db.$disconnect();
  await drop();
});

let peer: ActiveCampaign;
let studio: Studio;
beforeEach(async () => {
  peer = await openPeer();
  studio = await openStudio(db, { publicUrl: gateway.url });
});

/** Both sides, and what either still had to say to the other, at rest. */
async function atRest(): Promise<void> {
  await peer.delivered();
  await settled(db, studio.workspace.id);
  await peer.delivered();
  await settled(db, studio.workspace.id);
}
const paths = () =>
  peer.calls().map(({ method, path }) => `${method} ${path.replace('/api/3', '').split('?')[0]}`);
const aCustomer = async (more: Record<string, unknown> = {}) => {
  const customer = await createCustomer(studio.admin, {
    firstName: 'Ada',
    email: 'ada@example.com',
    ...more,
  });
  await atRest();
  return { customer, id: encodeId('Customer', customer.id) };
};
const now = (id: string) => db.customer.findUniqueOrThrow({ where: { id } });

test('A change there is taken over, by one call, and does not go back; a change here is sent, by one call, and does not come back.', async () => {
  await connect(studio.admin, peer, { enableWebhooks: true });
  const { customer, id } = await aCustomer();
  const contact = peer.contact('ada@example.com')!.id;

  peer.forgetCalls();
  peer.editContact('ada@example.com', { firstName: 'Augusta', lastName: 'King' });
  await atRest();
  expect(await now(customer.id)).toMatchObject({ firstName: 'Augusta', lastName: 'King' });
  expect(paths()).toEqual([`GET /contacts/${contact}`]);
  const [event] = await db.event.findMany({
    where: { workspaceId: studio.workspace.id, type: 'customer.updated' },
  });
  expect(event).toMatchObject({ origin: 'SYNC', customerId: customer.id });

  peer.forgetCalls();
  await updateCustomer(studio.admin, { id, lastName: 'Lovelace' });
  await atRest();
  expect(peer.contact('ada@example.com')).toMatchObject({ firstName: 'Augusta', lastName: 'Lovelace' });
  expect(paths()).toEqual([`PUT /contacts/${contact}`]);

  // The look for changes that no message told of finds nothing that is news, either.
  peer.forgetCalls();
  const row = await db.integrationConnection.findFirstOrThrow({
    where: { workspaceId: studio.workspace.id },
  });
  await pollConnection(studio.asSystem(), row, AbortSignal.timeout(5_000));
  await atRest();
  expect(paths()).toEqual(['GET /contacts']);
});

test('A change whose message is lost is found by looking.', async () => {
  await connect(studio.admin, peer, { enableWebhooks: true });
  const { customer } = await aCustomer();
  peer.deliverWith({ never: 1 });
  await new Promise((done) => setTimeout(done, 1_100)); // Their times have whole seconds.
  peer.editContact('ada@example.com', { phone: '030 901820' });
  await atRest();
  expect((await now(customer.id)).phone).toBe(null);
  const row = await db.integrationConnection.findFirstOrThrow({
    where: { workspaceId: studio.workspace.id },
  });
  expect(await pollConnection(studio.asSystem(), row, AbortSignal.timeout(5_000))).toBe(1);
  await atRest();
  expect((await now(customer.id)).phone).toBe('+4930901820');
});

test('Where both sides changed a field, the rule of the field decides, both end equal, and the timeline says so.', async () => {
  const field = peer.addField('Job', 'text');
  const { connection } = await connect(studio.admin, peer, {
    enableWebhooks: true,
    fieldMappings: [{ local: 'jobTitle', remote: field, direction: 'BOTH', wins: 'REMOTE' }],
  });
  const { customer, id } = await aCustomer({ jobTitle: 'Poet' });
  await studio.stop();
  await updateCustomer(studio.admin, { id, firstName: 'Here', jobTitle: 'Here', lastName: 'Only here' });
  peer.editContact('ada@example.com', { firstName: 'There', phone: '+4930901821', fields: { Job: 'There' } });
  await peer.delivered();
  // The message is taken first, as it may be.
  await db.delivery.updateMany({ where: { connectionId: connection.id, kind: 'FETCH' }, data: { lane: -1 } });
  studio.start();
  await atRest();

  const expected = { firstName: 'Here', lastName: 'Only here', phone: '+4930901821' };
  expect(await now(customer.id)).toMatchObject({ ...expected, jobTitle: 'There' });
  expect(peer.contact('ada@example.com')).toMatchObject({ ...expected, fields: { Job: 'There' } });
  const settledBy = (await studio.events('integration.conflict_settled')).map(({ data }) => data);
  expect(settledBy).toEqual([expect.objectContaining({ keptHere: ['firstName'], keptThere: ['jobTitle'] })]);
});

test('Tags go both ways without an echo; of a group there is one at a time, whoever put the other there.', async () => {
  await connect(studio.admin, peer, { enableWebhooks: true, tagGroups: [['Hot', 'Warm', 'Cold']] });
  const { customer, id } = await aCustomer();
  const here = async () =>
    (await db.customerTag.findMany({ where: { customerId: customer.id }, include: { tag: true } }))
      .map(({ tag }) => tag.name)
      .sort();
  peer.tagContact('ada@example.com', 'Regular');
  await atRest();
  expect(await here()).toEqual(['Regular']);
  peer.forgetCalls();
  await addTags(studio.admin, { customerIds: [id], tags: ['Warm'] });
  await atRest();
  expect(peer.contact('ada@example.com')!.tags).toEqual(['Regular', 'Warm']);
  await addTags(studio.admin, { customerIds: [id], tags: ['Hot'] });
  await atRest();
  expect(peer.contact('ada@example.com')!.tags).toEqual(['Hot', 'Regular']);
  peer.untagContact('ada@example.com', 'Regular');
  await atRest();
  expect(await here()).toEqual(['Hot', 'Warm']);
  await removeTags(studio.admin, { customerIds: [id], tags: ['Hot'] });
  await atRest();
  expect(peer.contact('ada@example.com')!.tags).toEqual(['Warm']);
});

test('The list holds who agreed, and nobody who left by themselves is put back; leaving takes the consent back here.', async () => {
  const list = peer.addList('Newsletter');
  await connect(studio.admin, peer, { enableWebhooks: true, defaultListId: list });
  const { customer, id } = await aCustomer();
  expect(peer.contact('ada@example.com')!.lists).toEqual({});
  await updateCustomer(studio.admin, { id, marketingConsent: true, marketingConsentSource: 'form' });
  await atRest();
  expect(peer.contact('ada@example.com')!.lists).toEqual({ Newsletter: '1' });

  peer.unsubscribe('ada@example.com');
  await atRest();
  expect(await now(customer.id)).toMatchObject({
    marketingConsent: false,
    marketingConsentSource: 'ActiveCampaign',
  });
  await updateCustomer(studio.admin, { id, firstName: 'Augusta' });
  await atRest();
  expect(peer.contact('ada@example.com')!.lists).toEqual({ Newsletter: '2' });
  // Agreed anew, on record: that is their word, and newer.
  await updateCustomer(studio.admin, { id, marketingConsent: true, marketingConsentSource: 'desk' });
  await atRest();
  expect(peer.contact('ada@example.com')!.lists).toEqual({ Newsletter: '1' });

  // Somebody who left there before we knew them stays away, and the consent here is taken back.
  peer.createContact({ email: 'bob@example.com' });
  peer.subscribe('bob@example.com', 'Newsletter');
  peer.unsubscribe('bob@example.com');
  const bob = await createCustomer(studio.admin, { email: 'bob@example.com', marketingConsent: true });
  await atRest();
  expect(peer.contact('bob@example.com')!.lists).toEqual({ Newsletter: '2' });
  expect((await now(bob.id)).marketingConsent).toBe(false);
});

test('Who leaves the list of a segment is off that one and keeps the consent; who leaves the list of all who agreed leaves every one.', async () => {
  const [news, offers] = [peer.addList('News'), peer.addList('Offers')];
  const segment = await createSegment(studio.admin, { name: 'Regulars', kind: 'STATIC' });
  const segmentId = encodeId('Segment', segment.id);
  await connect(studio.admin, peer, {
    ...{ enableWebhooks: true, defaultListId: news, segmentLists: [{ segmentId, listId: offers }] },
  });
  const people = [];
  for (const email of ['ada@example.com', 'bob@example.com'])
    people.push(await aCustomer({ email, marketingConsent: true }));
  await addSegmentMembers(studio.admin, { id: segmentId, customerIds: people.map(({ id }) => id) });
  await atRest();
  expect(peer.contact('ada@example.com')!.lists).toEqual({ News: '1', Offers: '1' });

  peer.unsubscribe('ada@example.com', { list: 'Offers' });
  peer.unsubscribe('bob@example.com', { list: 'News' });
  await atRest();
  expect(peer.contact('bob@example.com')!.lists).toEqual({ News: '2', Offers: '2' });
  await updateCustomer(studio.admin, { id: people[0]!.id, firstName: 'Changed' });
  await atRest();
  expect(peer.contact('ada@example.com')).toMatchObject({
    firstName: 'Changed',
    lists: { News: '1', Offers: '2' },
  });
  const consents = await Promise.all(people.map(({ customer }) => now(customer.id)));
  expect(consents.map((one) => one.marketingConsent)).toEqual([true, false]);
});

test('A changed e-mail address changes the contact and makes no second one; an erased customer is deleted there.', async () => {
  await connect(studio.admin, peer, { enableWebhooks: true });
  const { id } = await aCustomer();
  await updateCustomer(studio.admin, { id, email: 'augusta@example.com' });
  await atRest();
  expect(peer.contacts().map(({ email }) => email)).toEqual(['augusta@example.com']);
  await deleteCustomer(studio.admin, { id });
  await atRest();
  expect(peer.contacts()).toEqual([]);
  expect(await db.integrationContact.count({ where: { workspaceId: studio.workspace.id } })).toBe(0);
});

test('A contact that was deleted there is made anew when the customer changes.', async () => {
  await connect(studio.admin, peer, {});
  const { id } = await aCustomer({ lastName: 'Lovelace' });
  peer.deleteContact('ada@example.com');
  await updateCustomer(studio.admin, { id, firstName: 'Augusta' });
  await atRest();
  expect(peer.contact('ada@example.com')).toMatchObject({ firstName: 'Augusta', lastName: 'Lovelace' });
});

test('A path with a wrong secret is not there, and what a message says is not believed.', async () => {
  await connect(studio.admin, peer, { enableWebhooks: true });
  const { customer } = await aCustomer();
  const post = (path: string, body: string) =>
    fetch(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body,
    });
  expect((await post(`/webhooks/activecampaign/${'x'.repeat(43)}`, '')).status).toBe(404);
  peer.editContact('ada@example.com', { phone: '' });
  await atRest();
  const hook = new URL(peer.deliveries()[0]!.url).pathname;
  expect((await post(hook.replace('activecampaign', 'hubspot'), '')).status).toBe(404);
  const contact = peer.contact('ada@example.com')!.id;
  const lie = `type=update&contact[id]=${contact}&contact[email]=mallory@example.com&contact[first_name]=Mallory`;
  expect((await post(hook, lie)).status).toBe(200);
  expect((await post(hook, 'nonsense')).status).toBe(200);
  expect((await fetch(`${gateway.url}${hook}`)).status).toBe(405);
  await atRest();
  expect(await now(customer.id)).toMatchObject({ firstName: 'Ada', email: 'ada@example.com' });
});
