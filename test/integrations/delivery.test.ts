import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { encodeId } from '../../src/core/ids.ts';
import { startDeliveries } from '../../src/jobs/deliveries.ts';
import { automationsOf } from '../../src/resolvers/connections/automationsOf.ts';
import { pauseIntegration } from '../../src/resolvers/connections/pauseIntegration.ts';
import { resumeIntegration } from '../../src/resolvers/connections/resumeIntegration.ts';
import { statsOf } from '../../src/resolvers/connections/statsOf.ts';
import { createCustomer } from '../../src/resolvers/customers/createCustomer.ts';
import { updateCustomer } from '../../src/resolvers/customers/updateCustomer.ts';
import { retryDelivery } from '../../src/resolvers/deliveries/retryDelivery.ts';
import { addTags } from '../../src/resolvers/tags/addTags.ts';
import { openTestDatabase } from '../support/context.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/gateway.ts';
import { connect, openPeer, openStudio, outside, registry, settled } from './studio.ts';
import { syncStory } from './syncStory.ts';

const db = await openTestDatabase();

test('A system that is down costs nobody anything: changes go through, gather, and arrive once when it is back.', async () => {
  const peer = await openPeer();
  const { admin, workspace } = await openStudio(db);
  const { connection } = await connect(admin, peer);
  const state = () => db.integrationConnection.findUniqueOrThrow({ where: { id: connection.id } });
  const customer = await createCustomer(admin, { email: 'ada@example.com' });
  const id = encodeId('Customer', customer.id);
  const other = await createCustomer(admin, { email: 'other@example.com' });
  await settled(db, workspace.id);
  await peer.stop();
  // What needs no call says nothing of how the system is.
  await updateCustomer(admin, { id, firstName: 'Augusta' });
  await eventually('a call has failed', async () => (await state()).failures > 0);
  const { lastSuccessAt } = await state();
  const sent = await db.delivery.findFirst({ where: { customerId: other.id } });
  await updateCustomer(admin, { id: encodeId('Customer', other.id), jobTitle: 'Poet' });
  await eventually('it is done', async () => {
    const of = await db.delivery.findFirst({ where: { customerId: other.id } });
    return of!.status === 'DONE' && of!.position > sent!.position;
  });
  expect((await state()).failures).toBeGreaterThan(0);
  expect((await state()).lastSuccessAt).toEqual(lastSuccessAt);
  for (let n = 0; n < 20; n++) await updateCustomer(admin, { id, firstName: `Ada ${n}` });
  for (let n = 0; n < 10; n++) await createCustomer(admin, { email: `more-${n}@example.com` });
  await eventually('it counts as down', async () => (await state()).health === 'DOWN');
  expect(await state()).toMatchObject({ lastError: expect.stringMatching(/cannot be reached/) });
  expect((await state()).retryAt!.getTime()).toBeGreaterThan(Date.now() - 2_000);
  await outside.metrics.ask(db);
  const metrics = await registry.metrics();
  expect(metrics).toContain('frontdesk_sync_connections{integration="activecampaign",health="DOWN"} 1');
  expect(metrics).toMatch(
    /frontdesk_sync_retries_total\{integration="activecampaign",failure="UNAVAILABLE"\} [1-9]/,
  );

  await peer.start();
  peer.forgetCalls();
  await settled(db, workspace.id, 25_000);
  expect(peer.contact('ada@example.com')).toMatchObject({ firstName: 'Ada 19' });
  expect(peer.contacts()).toHaveLength(12);
  // Twenty changes were one call: what is sent is what is so when it is sent.
  expect(peer.calls().filter(({ body }) => body.includes('Ada '))).toHaveLength(1);
  expect(await state()).toMatchObject({ health: 'OK', failures: 0 });
}, 60_000);

test('What is refused for good is parked where it can be seen, holds up only what needs it, and can be tried again.', async () => {
  const peer = await openPeer();
  const { admin, workspace } = await openStudio(db);
  const asleep = peer.addAutomation('Asleep', { active: false });
  const awake = peer.addAutomation('Awake');
  const { connection } = await connect(admin, peer, {
    automations: [
      { slot: 'one', on: 'tag.added', tag: 'VIP', automationId: asleep },
      { slot: 'two', on: 'tag.added', tag: 'VIP', automationId: awake },
    ],
  });
  // Our rules let this address through, theirs do not.
  const bad = await createCustomer(admin, { email: 'ada@example.com' });
  peer.createContact({ email: 'taken@example.com' });
  await settled(db, workspace.id);
  await addTags(admin, { customerIds: [encodeId('Customer', bad.id)], tags: ['VIP'] });
  await settled(db, workspace.id);
  const parked = () => db.delivery.findMany({ where: { workspaceId: workspace.id, status: 'PARKED' } });
  expect(await parked()).toMatchObject([
    { kind: 'AUTOMATION', error: expect.stringMatching(/could not create/), attempts: 1 },
  ]);
  expect(peer.startsOf('Awake')).toHaveLength(1);
  const stats = await statsOf(admin, connection.id, 1);
  expect(stats).toMatchObject({ sent: 2, parked: 1, callsFailed: 1 });
  expect(stats.p99LagMilliseconds).toBeGreaterThanOrEqual(stats.medianLagMilliseconds as number);
  await outside.metrics.ask(db);
  const metrics = await registry.metrics();
  for (const line of [
    'deliveries_total{integration="activecampaign",kind="AUTOMATION",outcome="parked"} 1',
    'deliveries_total{integration="activecampaign",kind="AUTOMATION",outcome="done"} 1',
    'lag_seconds_bucket{le="5",integration="activecampaign"}',
    'call_duration_seconds_count{integration="activecampaign",result="REJECTED"} 1',
    'backlog{integration="activecampaign",state="parked"} 1',
    'oldest_seconds{integration="activecampaign"} 0',
    'connections{integration="activecampaign",health="DOWN"} 0',
  ])
    expect(metrics).toContain(`frontdesk_sync_${line}`);
  expect((await automationsOf(admin, connection)).map((one) => one.triggerCount)).toEqual([0, 1]);

  await updateCustomer(admin, { id: encodeId('Customer', bad.id), email: 'taken@example.com' });
  await settled(db, workspace.id);
  const contact = (await parked()).find(({ kind }) => kind === 'CONTACT');
  expect(contact).toMatchObject({ error: expect.stringMatching(/duplicate/) });
  // Another customer goes on; this one's effects wait for their contact.
  const other = await createCustomer(admin, { email: 'bob@example.com' });
  await addTags(admin, {
    customerIds: [bad.id, other.id].map((id) => encodeId('Customer', id)),
    tags: ['Regular'],
  });
  await settled(db, workspace.id);
  expect(peer.contact('bob@example.com')!.tags).toEqual(['Regular']);

  peer.deleteContact('taken@example.com');
  await retryDelivery(admin, {
    id: encodeId('Delivery', (await parked()).find(({ kind }) => kind === 'CONTACT')!.id),
  });
  await settled(db, workspace.id);
  expect(peer.contact('taken@example.com')).toMatchObject({ tags: ['Regular', 'VIP'] });
  await expect(retryDelivery(admin, { id: encodeId('Delivery', contact!.id) })).rejects.toMatchObject({
    code: 'INVALID_STATE',
  });
});

test('A key that was taken back shows, stops everything, and what gathered goes out when it works again.', async () => {
  const peer = await openPeer();
  const { admin, workspace } = await openStudio(db);
  const { connection, id } = await connect(admin, peer);
  await createCustomer(admin, { email: 'one@example.com' });
  await settled(db, workspace.id);
  const good = connection.secrets;
  const vault = admin.outside!.vault;
  const opened = JSON.parse(vault.open(good, connection.id));
  const bad = vault.seal(
    JSON.stringify({ ...opened, secrets: { ...opened.secrets, apiKey: 'taken back' } }),
    connection.id,
  );
  await db.integrationConnection.update({ where: { id: connection.id }, data: { secrets: bad } });
  await createCustomer(admin, { email: 'two@example.com' });
  const state = () => db.integrationConnection.findUniqueOrThrow({ where: { id: connection.id } });
  await eventually('it shows', async () => (await state()).health === 'UNAUTHORIZED');
  await db.integrationConnection.update({ where: { id: connection.id }, data: { secrets: good } });
  await resumeIntegration(admin, { id });
  await settled(db, workspace.id);
  expect(peer.contact('two@example.com')).toBeDefined();
  expect(await state()).toMatchObject({ health: 'OK' });
});

test('A paused connection sends nothing and forgets nothing.', async () => {
  const peer = await openPeer();
  const { admin, workspace } = await openStudio(db);
  const { id } = await connect(admin, peer);
  await pauseIntegration(admin, { id });
  peer.forgetCalls();
  await createCustomer(admin, { email: 'ada@example.com' });
  await eventually(
    'it waits',
    async () => (await db.delivery.count({ where: { workspaceId: workspace.id } })) === 1,
  );
  await sleep(600);
  expect(peer.calls()).toEqual([]);
  await resumeIntegration(admin, { id });
  await settled(db, workspace.id);
  expect(peer.contacts()).toHaveLength(1);
});

test('Two workers keep one budget: never more than five calls in any second, live before history.', async () => {
  const peer = await openPeer({ rate: 5 });
  const { admin, workspace, services, start } = await openStudio(db);
  await connect(admin, peer, { spacingMs: 210, autoTagging: false });
  const second = startDeliveries(services);
  start();
  try {
    peer.forgetCalls();
    for (let n = 0; n < 40; n++) await createCustomer(admin, { email: `c${n}@example.com` });
    await settled(db, workspace.id, 25_000);
  } finally {
    await second.stop();
  }
  expect(peer.contacts()).toHaveLength(40);
  const times = peer.calls().map(({ time }) => time);
  expect(times).toHaveLength(40);
  expect(mostInASecond(times)).toBeLessThanOrEqual(5);
  expect(peer.calls().filter(({ status }) => status === 429)).toEqual([]);
}, 60_000);

const mostInASecond = (times: readonly number[]) =>
  Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + 1_000).length));

test('Hundreds of changes on both sides, with failing calls and two kills, end equal, with nothing twice.', async () => {
  const { url: databaseUrl, drop } = await createTestDatabase();
  try {
    const report = await syncStory({
      ...{ databaseUrl, changes: 200, customers: 15, rate: 1_000, spacingMs: 2, failing: 0.05, kills: 2 },
    });
    expect(report).toMatchObject({ differing: [], duplicates: [], wrongStarts: [], parked: [] });
    expect(report.calls).toBeGreaterThan(100);
  } finally {
    await drop();
  }
}, 240_000);
