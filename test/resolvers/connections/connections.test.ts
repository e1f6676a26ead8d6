import { graphql } from 'graphql';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Context } from '../../../src/core/context.ts';
import { encodeId } from '../../../src/core/ids.ts';
import { createVault } from '../../../src/core/vault.ts';
import { pruneIntegrations } from '../../../src/jobs/pruneIntegrations.ts';
import { resealSecrets } from '../../../src/jobs/resealSecrets.ts';
import { connectIntegration } from '../../../src/resolvers/connections/connectIntegration.ts';
import { disconnectIntegration } from '../../../src/resolvers/connections/disconnectIntegration.ts';
import { masked } from '../../../src/resolvers/connections/openConnection.ts';
import { updateIntegration } from '../../../src/resolvers/connections/updateIntegration.ts';
import { createCustomer } from '../../../src/resolvers/customers/createCustomer.ts';
import { createTag } from '../../../src/resolvers/tags/createTag.ts';
import { schema } from '../../../src/schema/schema.ts';
import { publicError } from '../../../src/server/publicError.ts';
import { connect, openPeer, openStudio, outside, settingsOf, settled } from '../../integrations/studio.ts';
import { startHubSpot } from '../../peers/hubspot/startHubSpot.ts';
import { openTestDatabase } from '../../support/context.ts';

const db = await openTestDatabase();

/** Why something was refused; no connection was made or changed. Workers of the tests here write elsewhere meanwhile. */
async function refusedHere(_ctx: unknown, run: () => Promise<unknown>): Promise<unknown> {
  const connections = () => db.integrationConnection.findMany({ orderBy: { id: 'asc' } });
  const before = await connections();
  const outcome = await run().then(
    () => 'not refused',
    (error: unknown) => error,
  );
  expect(await connections()).toEqual(before);
  return outcome;
}

test('What does not work is refused with what is wrong and where, and leaves nothing behind.', async () => {
  const peer = await openPeer();
  const { admin } = await openStudio(db);
  const attempt = (settings: Record<string, unknown>, integration = 'activecampaign') =>
    refusedHere(admin, () => connectIntegration(admin, { integration, settings }));
  const good = settingsOf(peer);
  expect(await attempt(good, 'nobody')).toMatchObject({ issues: [{ path: 'integration' }] });
  expect(await attempt({ ...good, apiUrl: 'here' })).toMatchObject({ issues: [{ path: 'settings.apiUrl' }] });
  expect(await attempt({ ...good, colour: 'red' })).toMatchObject({
    issues: [{ path: 'settings.colour', message: 'There is no such setting.' }],
  });
  expect(await attempt({ ...good, apiKey: 'not the key' })).toMatchObject({
    issues: [{ path: 'settings', message: expect.stringMatching(/refuses the credentials/) }],
  });
  const mapped = (remote: string, more = {}) => ({
    ...good,
    fieldMappings: [{ local: 'jobTitle', remote, ...more }],
  });
  expect(await attempt(mapped('99'))).toMatchObject({
    issues: [{ path: 'settings.fieldMappings.0.remote' }],
  });
  expect(
    await attempt({ ...good, fieldMappings: [{ local: 'leadScore', remote: '1', direction: 'BOTH' }] }),
  ).toMatchObject({ issues: [{ path: 'settings.fieldMappings.0.direction' }] });
  expect(await attempt({ ...good, automations: [{ slot: 'mine' }] })).toMatchObject({
    issues: [{ path: 'settings.automations.0.on' }, { path: 'settings.automations.0.automationId' }],
  });
  expect(await attempt({ ...good, apiKey: undefined })).toMatchObject({
    issues: [{ path: 'settings.apiKey', message: 'Is needed.' }],
  });
  const automations = [{ slot: 'post_booking', automationId: '12' }];
  expect(await attempt({ ...good, defaultListId: '99', automations })).toMatchObject({
    issues: [{ path: 'settings.defaultListId' }, { path: 'settings.automations.0.automationId' }],
  });
  expect(await attempt({ ...good, enableEventTracking: true, trackingKey: undefined })).toMatchObject({
    issues: [{ path: 'settings.trackingKey' }],
  });
  expect(await attempt({ ...good, apiUrl: `${peer.url}/elsewhere` })).toMatchObject({
    issues: [{ message: expect.stringMatching(/sends us elsewhere/) }],
  });
  await peer.stop();
  expect(await attempt(good)).toMatchObject({
    code: 'INVALID_STATE',
    message: expect.stringMatching(/try again/),
  });
  await peer.start();
});

test('A private address is refused when it is not allowed.', async () => {
  const peer = await openPeer();
  const { admin, stop } = await openStudio(db, { allowPrivatePeers: false });
  // Its workers would refuse the calls of the other tests here.
  await stop();
  for (const apiUrl of [peer.url, peer.url.replace('http:', 'https:')])
    expect(
      await refusedHere(admin, () =>
        connectIntegration(admin, {
          integration: 'activecampaign',
          settings: { ...settingsOf(peer), apiUrl },
        }),
      ),
    ).toMatchObject({ issues: [{ path: 'settings' }] });
  expect(peer.calls()).toEqual([]);
});

test('Secrets are stored sealed, shown nowhere, and sealed anew when the secret changes.', async () => {
  const peer = await openPeer();
  const { admin } = await openStudio(db);
  const { connection, id } = await connect(admin, peer);
  const row = () => db.integrationConnection.findUniqueOrThrow({ where: { id: connection.id } });
  const dump = JSON.stringify(await row(), (_, value) => (typeof value === 'bigint' ? String(value) : value));
  for (const secret of [peer.apiKey, peer.eventKey]) expect(dump).not.toContain(secret);
  expect((await row()).settings).toMatchObject({ apiUrl: peer.url, pollMinutes: 10 });

  const next = createVault(
    'another secret that has more than forty characters',
    'a secret for tests that has forty characters',
  );
  const services = { db, log: admin.log, outside: { ...outside, vault: next } };
  expect(await resealSecrets(services)).toBeGreaterThan(0);
  expect(await resealSecrets(services)).toBe(0);
  const alone = createVault('another secret that has more than forty characters');
  expect(JSON.parse(alone.open((await row()).secrets, connection.id)).secrets.apiKey).toBe(peer.apiKey);
  expect(() => outside.vault.open(dump, connection.id)).toThrow(/FRONTDESK_SECRET_PREVIOUS/);
  // Put into another row, it does not open.
  await expect(async () => alone.open((await row()).secrets, 'another row')).rejects.toThrow();

  const ctx = { ...admin, outside: { ...outside, vault: alone } };
  await updateIntegration(ctx, { id, settings: { pollMinutes: 30 } });
  expect((await row()).settings).toMatchObject({ pollMinutes: 30, apiUrl: peer.url });
  await updateIntegration(ctx, { id, settings: { pollMinutes: null } });
  expect((await row()).settings).toMatchObject({ pollMinutes: 10 });
  await expect(updateIntegration(ctx, { id, settings: { apiKey: 'not the key' } })).rejects.toMatchObject({
    issues: [{ path: 'settings' }],
  });
});

test('An account is connected once; a repeat with the same key is one effect; disconnected, it can be connected anew.', async () => {
  const peer = await openPeer();
  const { admin, workspace } = await openStudio(db);
  const input = { integration: 'activecampaign', settings: settingsOf(peer), idempotencyKey: 'once' };
  const first = await connectIntegration(admin, input);
  const again = await connectIntegration(admin, input);
  expect(again).toMatchObject({ id: first.id, webhookUrl: null });
  expect(first.webhookUrl).toMatch(/\/webhooks\/activecampaign\/[\w-]{43}$/);
  expect(
    await refusedHere(admin, () => connectIntegration(admin, { ...input, idempotencyKey: 'twice' })),
  ).toMatchObject({ code: 'ALREADY_EXISTS' });

  await createCustomer(admin, { email: 'ada@example.com' });
  await settled(db, workspace.id);
  await disconnectIntegration(admin, { id: encodeId('IntegrationConnection', first.id) });
  expect(await db.integrationConnection.findUniqueOrThrow({ where: { id: first.id } })).toMatchObject({
    status: 'DISCONNECTED',
    secrets: '',
  });
  expect(await db.integrationContact.count({ where: { connectionId: first.id } })).toBe(0);
  expect(peer.contacts()).toHaveLength(1);
  const anew = await connectIntegration(admin, { ...input, idempotencyKey: 'anew' });
  expect(anew.id).not.toBe(first.id);
});

test('Each call is in the log, without what was said; the log is pruned.', async () => {
  const peer = await openPeer();
  const { admin, workspace } = await openStudio(db);
  const { connection } = await connect(admin, peer);
  await createCustomer(admin, { email: 'ada.lovelace@example.com', firstName: 'Ada' });
  await settled(db, workspace.id);
  const calls = await db.integrationCall.findMany({ where: { connectionId: connection.id } });
  expect(calls).toMatchObject([{ method: 'POST', path: '/api/3/contact/sync', result: 'OK', status: 201 }]);
  expect(JSON.stringify(calls)).not.toMatch(/ada/i);
  expect(masked('Email ada@example.com, phone +49 30 901820, id 12 is taken')).toBe(
    'Email ***@***, phone ***, id 12 is taken',
  );
  const later = { now: () => new Date(Date.now() + 31 * 86_400_000) };
  expect(await pruneIntegrations({ db, clock: later })).toBeGreaterThan(0);
  expect(await db.integrationCall.count()).toBe(0);
  // What a contact is sent by stays: the next change uses it.
  expect(await db.delivery.count({ where: { connectionId: connection.id, kind: 'CONTACT' } })).toBe(1);
});

/** Data and errors, as a client gets them. */
async function ask(contextValue: Context, source: string, id: string) {
  const { data, errors = [] } = await graphql({ schema, source, contextValue, variableValues: { id } });
  const shown = errors.map((error) => publicError(error, { requestId: 'x', log: pino({ level: 'silent' }) }));
  return {
    connection: data?.integrationConnection as Record<string, unknown>,
    errors: shown.map(({ path, extensions }) => `${path?.join('.')} ${extensions.code}`),
  };
}

test('What the account holds is seen with the ids that settings name it by; what it does not say leaves the rest.', async () => {
  const peer = await openPeer();
  const { admin } = await openStudio(db);
  const job = peer.addField('Job', 'checkbox');
  const [vip, other] = [peer.addTag('vip'), peer.addTag('Their own')];
  const list = peer.addList('Newsletter');
  const automation = peer.addAutomation('Welcome', { active: false });
  peer.addCampaign('Spring', { sent: new Date('2026-03-01T08:00:00Z'), opens: 3 });
  peer.createContact({ email: 'ada@example.com' });
  peer.subscribe('ada@example.com', 'Newsletter');
  const tag = await createTag(admin, { name: 'VIP' });
  const { connection, id } = await connect(admin, peer);
  const source = `query ($id: ID!) { integrationConnection(id: $id) {
    name remoteFields { id name type } remoteTags { id name tagId } remoteLists { id name subscribers }
    remoteAutomations { id name active entered exited }
    remoteCampaigns { name status sentAt sends opens uniqueOpens linkClicks uniqueLinkClicks unsubscribes bounces }
  } }`;
  expect(await ask(admin, source, id)).toEqual({
    errors: [],
    connection: {
      name: 'ActiveCampaign',
      remoteFields: [{ id: job, name: 'Job', type: 'CHOICES' }],
      remoteTags: [
        { id: vip, name: 'vip', tagId: encodeId('Tag', tag.id) },
        { id: other, name: 'Their own', tagId: null },
      ],
      remoteLists: [{ id: list, name: 'Newsletter', subscribers: 1 }],
      remoteAutomations: [{ id: automation, name: 'Welcome', active: false, entered: 0, exited: 0 }],
      remoteCampaigns: [
        {
          ...{ name: 'Spring', status: 'COMPLETED', sentAt: new Date('2026-03-01T08:00:00Z') },
          ...{ sends: 100, opens: 3, uniqueOpens: 3, linkClicks: 0, uniqueLinkClicks: 0 },
          ...{ unsubscribes: 0, bounces: 0 },
        },
      ],
    },
  });
  // Asked as everything is: in the account's budget, and in the log of calls.
  expect(await db.integrationCall.count({ where: { connectionId: connection.id } })).toBe(5);

  peer.forbid('lists');
  const some = await ask(admin, source, id);
  expect(some).toMatchObject({
    errors: ['integrationConnection.remoteLists INVALID_STATE'],
    connection: { remoteLists: null, remoteFields: [{ id: job }] },
  });
  await peer.stop();
  const away = await ask(admin, source, id);
  expect(away.connection).toMatchObject({ name: 'ActiveCampaign', remoteTags: null });
  expect(away.errors.sort()).toEqual(
    ['Automations', 'Campaigns', 'Fields', 'Lists', 'Tags'].map(
      (what) => `integrationConnection.remote${what} INTEGRATION_UNAVAILABLE`,
    ),
  );
  await disconnectIntegration(admin, { id });
  expect(await ask(admin, source, id)).toMatchObject({ errors: [], connection: { remoteTags: null } });

  // A system has what it has.
  const hub = await startHubSpot({ rate: 10_000 });
  hub.addProperty('nickname', 'string');
  const { id: hubspot } = await connectIntegration(admin, {
    integration: 'hubspot',
    settings: { apiUrl: hub.url, accessToken: hub.accessToken, spacingMs: 0 },
  });
  const seen = await ask(admin, source, encodeId('IntegrationConnection', hubspot));
  await hub.stop();
  expect(seen).toMatchObject({
    errors: [],
    connection: {
      remoteFields: expect.arrayContaining([expect.objectContaining({ id: 'nickname', type: 'TEXT' })]),
      ...{ remoteTags: null, remoteLists: null, remoteAutomations: null, remoteCampaigns: null },
    },
  });
});
