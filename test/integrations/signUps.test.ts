import { createHmac } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/core/database.ts';
import { encodeId } from '../../src/core/ids.ts';
import { connectIntegration } from '../../src/resolvers/connections/connectIntegration.ts';
import { updateIntegration } from '../../src/resolvers/connections/updateIntegration.ts';
import { updateCustomer } from '../../src/resolvers/customers/updateCustomer.ts';
import { schema } from '../../src/schema/schema.ts';
import { createTestDatabase } from '../support/database.ts';
import { startInProcess } from '../support/gateway.ts';
import { connect, openPeer, openStudio, settled } from './studio.ts';

const { url: databaseUrl, drop } = await createTestDatabase();
const db = openDatabase(databaseUrl);
const gateway = await startInProcess({ databaseUrl, schema, env: { ALLOW_PRIVATE_PEERS: 'true' } });
afterAll(async () => {
  await gateway.stop();
  await db.$disconnect();
  await drop();
});

/** As a sender that keeps to Standard Webhooks signs. */
function signed(secret: string, content: unknown, { id = `msg_${Math.random()}`, at = Date.now() } = {}) {
  const body = typeof content === 'string' ? content : JSON.stringify(content);
  const timestamp = String(Math.floor(at / 1_000));
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    },
    body,
  };
}

async function open() {
  const studio = await openStudio(db, { publicUrl: gateway.url });
  const made = await connectIntegration(studio.admin, { integration: 'badgemaker', settings: {} });
  return { ...studio, url: made.webhookUrl!, secret: made.signingSecret!, connectionId: made.id };
}

const whole = {
  id: 'badge-1',
  person: {
    email: 'Ada@Example.com',
    firstName: 'Ada',
    lastName: 'Lovelace',
    phone: '030 901820',
    bornOn: '1990-12-10',
  },
  consent: { marketing: true, source: 'confirmation page' },
  event: { name: 'Spring festival', startsAt: '2026-03-20T10:00:00Z' },
  dietary: ['vegan', 'no nuts'],
  volunteering: 'bar',
  social: { instagram: '@ada', linkedin: 'ada-lovelace' },
  badge: { name: 'Ada L.', imageUrl: 'https://example.com/ada.png' },
  emergencyContact: { name: 'Charles', phone: '+44 20 7946 0001' },
};

test('A completed sign-up is in the CRM when it is answered, and goes on to ActiveCampaign with all that it told.', async () => {
  const peer = await openPeer();
  const { admin, workspace, url, secret } = await open();
  const fields = [
    'dietary',
    'volunteering',
    'instagram',
    'badgeName',
    'emergencyContactName',
    'lastEventName',
  ];
  await connect(admin, peer, {
    fieldMappings: fields.map((local) => ({ local, remote: peer.addField(local, 'text') })),
  });
  const answer = await fetch(url, signed(secret, whole));
  expect([answer.status, await answer.json()]).toEqual([202, { received: 1 }]);
  const customer = await db.customer.findFirstOrThrow({
    where: { workspaceId: workspace.id, email: 'ada@example.com' },
    include: { profile: true },
  });
  expect(customer).toMatchObject({
    firstName: 'Ada',
    phone: '+4930901820',
    marketingConsent: true,
    marketingConsentSource: 'confirmation page',
    source: 'Badge Maker',
    profile: { dietary: 'vegan, no nuts', instagram: '@ada', emergencyContactPhone: '+44 20 7946 0001' },
  });
  await settled(db, workspace.id);
  expect(peer.contact('ada@example.com')).toMatchObject({
    lastName: 'Lovelace',
    fields: {
      dietary: 'vegan, no nuts',
      volunteering: 'bar',
      instagram: '@ada',
      badgeName: 'Ada L.',
      emergencyContactName: 'Charles',
      lastEventName: 'Spring festival',
    },
  });
});

test('Who did not agree goes nowhere, until they do.', async () => {
  const peer = await openPeer();
  const { admin, workspace, url, secret } = await open();
  await connect(admin, peer);
  await fetch(url, signed(secret, { ...whole, consent: { marketing: false } }));
  await fetch(url, signed(secret, { person: { email: 'bob@example.com' } }));
  await settled(db, workspace.id);
  expect(peer.contacts()).toEqual([]);
  const { id } = await db.customer.findFirstOrThrow({
    where: { workspaceId: workspace.id, email: 'ada@example.com' },
  });
  await updateCustomer(admin, { id: encodeId('Customer', id), marketingConsent: true });
  await settled(db, workspace.id);
  expect(peer.contacts().map(({ email }) => email)).toEqual(['ada@example.com']);
});

test('The same message is taken once, and what was changed by hand since stays; two at once make one customer.', async () => {
  const { admin, workspace, url, secret } = await open();
  const message = signed(secret, whole, { id: 'msg_1' });
  const answers = await Promise.all([
    fetch(url, message),
    fetch(url, message),
    fetch(url, signed(secret, whole)),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
  const where = { workspaceId: workspace.id };
  expect(await db.customer.count({ where })).toBe(1);
  const { id } = await db.customer.findFirstOrThrow({ where });
  await updateCustomer(admin, { id: encodeId('Customer', id), firstName: 'Augusta' });
  expect((await fetch(url, message)).status).toBe(202);
  expect(await db.customer.findFirstOrThrow({ where })).toMatchObject({ firstName: 'Augusta' });
});

test('Without a good signature nothing is read; with one, what is wrong is said.', async () => {
  const { admin, workspace, url, secret, connectionId } = await open();
  const good = signed(secret, whole);
  const without = (name: string) => ({ ...good, headers: { ...good.headers, [name]: '' } });
  for (const bad of [
    { ...good, body: good.body.replace('Ada', 'Eve') },
    signed(`whsec_${Buffer.alloc(32, 7).toString('base64')}`, whole),
    signed(secret, whole, { at: Date.now() - 330_000 }),
    signed(secret, whole, { at: Date.now() + 330_000 }),
    without('webhook-signature'),
    without('webhook-timestamp'),
    without('webhook-id'),
  ])
    expect((await fetch(url, bad)).status).toBe(401);
  for (const [content, path] of [
    ['not json', ''],
    [{}, 'person'],
    [{ person: { email: 'nobody' } }, 'person.email'],
    [{ person: { email: 'a@example.com', colour: 'red' } }, 'person'],
  ] as const) {
    const answer = await fetch(url, signed(secret, content));
    expect([
      answer.status,
      ((await answer.json()) as { issues: { path: string }[] }).issues[0]!.path,
    ]).toEqual([400, path]);
  }
  expect((await fetch(url, signed(secret, 'x'.repeat(1_100_000)))).status).toBe(413);
  expect(await db.customer.count({ where: { workspaceId: workspace.id } })).toBe(0);

  // Both secrets work while the sender changes over.
  const next = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
  await updateIntegration(admin, {
    id: encodeId('IntegrationConnection', connectionId),
    settings: { signingSecret: next, previousSigningSecret: secret },
  });
  for (const one of [secret, next]) expect((await fetch(url, signed(one, whole))).status).toBe(202);
});
