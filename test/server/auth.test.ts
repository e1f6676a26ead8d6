import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiKeyParts, newApiKey } from '../../src/core/crypto.ts';
import { encodeId, newId } from '../../src/core/ids.ts';
import type { RowScope } from '../../src/core/permissions.ts';
import { systemContext } from '../../src/jobs/systemContext.ts';
import { createWorkspace } from '../../src/resolvers/workspaces/createWorkspace.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually, startInProcess } from '../support/gateway.ts';
import { type Issuer, startIssuer, type TokenOptions } from '../support/issuer.ts';
import { codeOf, post } from './client.ts';
import { testSchema } from './testSchema.ts';

const query = '{ who { kind id rowScope permissions principals workspace } }';
let database: TestDatabase;
let gateway: Awaited<ReturnType<typeof startInProcess>>;
let issuer: Issuer;
let workspaceId: string;

beforeAll(async () => {
  issuer = await startIssuer();
  database = await createTestDatabase();
  gateway = await startInProcess({ databaseUrl: database.url, schema: testSchema, env: issuer.env });
  workspaceId = (await gateway.services.db.workspace.findFirstOrThrow()).id;
});

afterAll(async () => {
  issuer?.stop();
  await gateway?.stop();
  await database?.drop();
});

const ask = (headers: Record<string, string>) => post(gateway.url, { query }, headers);
const bearer = (credential: string) => ask({ authorization: `Bearer ${credential}` });

async function addKey(
  data: {
    role?: 'ADMIN' | 'VIEWER' | 'SALES';
    scopes?: string[];
    revokedAt?: Date;
    createdById?: string;
    expiresAt?: Date;
    lastUsedAt?: Date;
  } = {},
) {
  const key = newApiKey();
  const row = await gateway.services.db.apiKey.create({
    data: { id: newId(), workspaceId, name: 'test', role: 'ADMIN', scopes: [], ...apiKeyParts(key), ...data },
  });
  return { key, id: row.id };
}

async function addUser(
  data: { role?: 'ADMIN' | 'STAFF'; rowScope?: RowScope; disabledAt?: Date; workspaceId?: string } = {},
) {
  const id = newId();
  await gateway.services.db.user.create({
    data: {
      id,
      workspaceId,
      externalId: `sub-${id}`,
      email: `${id}@test.example`,
      displayName: 'Ada',
      role: 'STAFF',
      ...data,
    },
  });
  return { id, subject: `sub-${id}` };
}

async function addCustomer(data: { status?: 'ACTIVE' | 'BLOCKED' | 'ARCHIVED'; deletedAt?: Date } = {}) {
  const id = newId();
  await gateway.services.db.customer.create({
    data: { id, workspaceId, externalId: `sub-${id}`, sortName: 'a', searchText: ' a', ...data },
  });
  return { id, subject: `sub-${id}` };
}

const token = (options: Partial<TokenOptions> & { subject: string }) =>
  issuer.token({ workspace: encodeId('Workspace', workspaceId), ...options });

const who = (answer: Awaited<ReturnType<typeof ask>>) => answer.body?.data?.who as Record<string, unknown>;

describe('API keys', () => {
  test('a key is accepted as a bearer token and in X-API-Key, with the rights of its role', async () => {
    const ways: Record<string, string>[] = [
      { authorization: `Bearer ${gateway.adminKey}` },
      { authorization: `bearer   ${gateway.adminKey}` },
      { 'x-api-key': gateway.adminKey },
    ];
    for (const headers of ways) {
      const answer = await ask(headers);
      expect(answer.status).toBe(200);
      expect(who(answer)).toMatchObject({ kind: 'apiKey', rowScope: 'ALL', workspace: workspaceId });
      expect(who(answer).permissions).toContain('apiKeys.write');
    }
  });

  test('scopes narrow what a key may do, and never widen it', async () => {
    const { key } = await addKey({ role: 'VIEWER', scopes: ['customers.read', 'customers.write'] });
    expect(who(await bearer(key)).permissions).toEqual(['customers.read']);
  });

  test('without a credential the caller is anonymous and may ask for the type name alone', async () => {
    const answer = await post(gateway.url, {
      query: '{ __typename customers who { kind workspace permissions } }',
    });
    expect(answer.status).toBe(200);
    expect(answer.body?.data).toMatchObject({ __typename: 'Query', customers: null });
    expect(who(answer)).toEqual({
      kind: 'anonymous',
      workspace: '00000000-0000-0000-0000-000000000000',
      permissions: [],
    });
    expect(codeOf(answer)).toBe('UNAUTHENTICATED');
  });

  test.for([
    ['an unknown key', { authorization: `Bearer ${newApiKey()}` }],
    ['another scheme', { authorization: 'Basic YTpi' }],
    ['no credential after Bearer', { authorization: 'Bearer' }],
    ['a key with letters that no key has', { authorization: 'Bearer key with spaces' }],
    ['a key of 10,000 characters', { authorization: `Bearer ${'x'.repeat(10_000)}` }],
    ['an empty X-API-Key', { 'x-api-key': '' }],
    ['two credentials', { authorization: `Bearer ${newApiKey()}`, 'x-api-key': newApiKey() }],
    ['a token without dots that ends well', { authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' }],
  ] as const)('%s is 401 with a GraphQL error', async ([, headers]) => {
    const answer = await ask(headers as Record<string, string>);
    expect(answer.status).toBe(401);
    expect(codeOf(answer)).toBe('UNAUTHENTICATED');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.headers.get('content-type')).toContain('application/json');
  });

  test('revoked and expired keys are refused', async () => {
    const past = new Date(Date.now() - 1_000);
    expect((await bearer((await addKey({ revokedAt: past })).key)).status).toBe(401);
    expect((await bearer((await addKey({ expiresAt: past })).key)).status).toBe(401);
    expect((await bearer((await addKey({ expiresAt: new Date(Date.now() + 60_000) })).key)).status).toBe(200);
  });

  test('a key that is revoked while in use stops working within five seconds', async () => {
    const { key, id } = await addKey();
    expect((await bearer(key)).status).toBe(200);
    await gateway.services.db.apiKey.update({ where: { id }, data: { revokedAt: new Date() } });
    await eventually('the key is refused', async () => (await bearer(key)).status === 401, 5_000);
  });

  test('a key that expires while its answer is remembered is refused at once', async () => {
    const { key } = await addKey({ expiresAt: new Date(Date.now() + 400) });
    expect((await bearer(key)).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 450));
    expect((await bearer(key)).status).toBe(401);
  });

  test('the last use is noted, at most once a minute', async () => {
    const { db } = gateway.services;
    const recently = new Date(Date.now() - 30_000);
    const fresh = await addKey();
    const used = await addKey({ lastUsedAt: recently });
    await bearer(fresh.key);
    await bearer(used.key);
    await eventually(
      'the use is noted',
      async () => (await db.apiKey.findUniqueOrThrow({ where: { id: fresh.id } })).lastUsedAt !== null,
    );
    expect((await db.apiKey.findUniqueOrThrow({ where: { id: used.id } })).lastUsedAt).toEqual(recently);
  });
});

describe('sign-in tokens', () => {
  test('a user acts with their role, under their own id and their staff member, and where the row scope says so their teams', async () => {
    const { db } = gateway.services;
    const { id, subject } = await addUser();
    const staff = await db.staffMember.create({
      data: { id: newId(), workspaceId, userId: id, displayName: 'Ada', timeZone: 'UTC' },
    });
    const team = await db.team.create({ data: { id: newId(), workspaceId, name: `Team ${id}` } });
    await db.teamMember.create({ data: { workspaceId, teamId: team.id, userId: id } });
    const viewer = who(await bearer(await token({ subject })));
    expect(viewer).toMatchObject({ kind: 'user', id, rowScope: 'ASSIGNED', workspace: workspaceId });
    expect(viewer.principals).toEqual([id, staff.id]);
    await db.user.update({ where: { id }, data: { rowScope: 'TEAM' } });
    const later = await token({ subject, expires: '6m' }); // the answer for the first one is remembered for two seconds
    expect(who(await bearer(later)).principals).toEqual([id, staff.id, team.id]);
    const { key } = await addKey({ role: 'SALES', createdById: id });
    expect(who(await bearer(key))).toMatchObject({
      kind: 'apiKey',
      rowScope: 'TEAM',
      principals: [id, staff.id, team.id],
    });
    expect(viewer.permissions).not.toContain('users.write');
  });

  test("a user's own row scope wins over the role's", async () => {
    const { subject } = await addUser({ rowScope: 'ALL' });
    expect(who(await bearer(await token({ subject }))).rowScope).toBe('ALL');
  });

  test('a customer signs in as themselves', async () => {
    const { id, subject } = await addCustomer({ status: 'ARCHIVED' });
    expect(who(await bearer(await token({ subject })))).toMatchObject({
      kind: 'customer',
      id,
      rowScope: 'OWN',
    });
  });

  test('disabled users, blocked and deleted customers and unknown subjects are refused', async () => {
    const refused = [
      (await addUser({ disabledAt: new Date() })).subject,
      (await addCustomer({ status: 'BLOCKED' })).subject,
      (await addCustomer({ deletedAt: new Date() })).subject,
      'nobody',
      '',
    ];
    for (const subject of refused) {
      const answer = await bearer(await token({ subject }));
      expect([answer.status, codeOf(answer)]).toEqual([401, 'UNAUTHENTICATED']);
    }
  });

  test('a subject of one workspace is nobody in another', async () => {
    const { subject } = await addUser();
    const ctx = systemContext({ ...gateway.services, committed: gateway.services.sequencer.run });
    const { secret, ...workspace } = await createWorkspace(ctx, { name: 'Other' });
    expect(
      (await bearer(await token({ subject, workspace: encodeId('Workspace', workspace.id) }))).status,
    ).toBe(401);
    expect(who(await bearer(String(secret))).workspace).toBe(workspace.id);
    const theirs = await addUser({ workspaceId: workspace.id });
    expect((await bearer(await token({ subject: theirs.subject }))).status).toBe(401);
  });

  test('a wrong issuer, audience, workspace, key or time is refused', async () => {
    const { subject } = await addUser();
    const foreign = await generateKeyPair('ES256');
    const past = Math.floor(Date.now() / 1_000) - 60;
    const tokens = [
      token({ subject, issuer: 'https://evil.test/' }),
      token({ subject, audience: 'another-service' }),
      token({ subject, workspace: 'wsp_nonsense' }),
      token({ subject, workspace: workspaceId }),
      token({ subject, key: foreign.privateKey }),
      token({ subject, expires: past }),
    ];
    for (const one of tokens) expect((await bearer(await one)).status).toBe(401);
    const answer = await bearer(await token({ subject, expires: past }));
    expect(answer.body?.errors?.[0]).toMatchObject({
      message: 'This token has expired.',
      extensions: { reason: 'EXPIRED' },
    });
  });

  test('tokens without a signature, or signed with the public key as a shared secret, are refused', async () => {
    const { subject } = await addUser();
    const claims = {
      sub: subject,
      iss: issuer.env.JWT_ISSUER,
      aud: issuer.env.JWT_AUDIENCE,
      exp: Math.floor(Date.now() / 1_000) + 300,
      frontdesk_workspace: encodeId('Workspace', workspaceId),
    };
    const unsigned = new UnsecuredJWT(claims).encode();
    const secret = new TextEncoder().encode(JSON.stringify(issuer.jwks.keys[0]));
    const shared = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(secret);
    expect((await bearer(unsigned)).status).toBe(401);
    expect((await bearer(shared)).status).toBe(401);
    const [head, body, signature = ''] = (await token({ subject })).split('.');
    const altered = `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    expect((await bearer(altered)).status).toBe(401);
  });

  test('a key that the issuer adds later is found; a token without an expiry is refused even so', async () => {
    const { subject } = await addUser();
    const next = await generateKeyPair('RS256');
    issuer.jwks.keys.push({ ...(await exportJWK(next.publicKey)), kid: 'two', alg: 'RS256', use: 'sig' });
    const signed = await token({ subject, key: next.privateKey, alg: 'RS256', kid: 'two' });
    await eventually('the new key is known', async () => (await bearer(signed)).status === 200, 15_000);
    const endless = await new SignJWT({ frontdesk_workspace: encodeId('Workspace', workspaceId) })
      .setProtectedHeader({ alg: 'RS256', kid: 'two' })
      .setSubject(subject)
      .setIssuer(issuer.env.JWT_ISSUER)
      .setAudience(issuer.env.JWT_AUDIENCE)
      .sign(next.privateKey);
    expect((await bearer(endless)).status).toBe(401);
  });

  test('while the issuer is away, tokens are "try again" and API keys go on', async () => {
    const { subject } = await addUser();
    issuer.broken = true;
    const own = await startInProcess({ databaseUrl: database.url, schema: testSchema, env: issuer.env });
    try {
      const answer = await post(own.url, { query }, { authorization: `Bearer ${await token({ subject })}` });
      expect([answer.status, codeOf(answer)]).toEqual([503, 'UNAVAILABLE']);
      expect((await post(own.url, { query }, { 'x-api-key': own.adminKey })).status).toBe(200);
    } finally {
      issuer.broken = false;
      await own.stop();
    }
  });
});
