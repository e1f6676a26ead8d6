import { afterAll, beforeAll, expect, test } from 'vitest';
import { schema } from '../../src/schema/schema.ts';
import { post } from '../server/client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startInProcess } from '../support/gateway.ts';

/** Payloads that hold something else than the one object, as a client gets them. */

let database: TestDatabase;
let gateway: Awaited<ReturnType<typeof startInProcess>>;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startInProcess({ databaseUrl: database.url, schema });
});
afterAll(async () => {
  await gateway?.stop();
  await database?.drop();
});

/** The answer's only field; the whole answer when there are errors. */
async function ask<Answer = unknown>(
  query: string,
  variables: object = {},
  key = gateway.adminKey,
): Promise<Answer> {
  const { body } = await post(gateway.url, { query, variables }, { authorization: `Bearer ${key}` });
  return (body?.errors ? body : Object.values(body?.data ?? {})[0]) as Answer;
}

interface MadeKey {
  secret: string;
  apiKey: { id: string; prefix: string };
}

const createKey = `mutation ($input: CreateApiKeyInput!) {
  createApiKey(input: $input) { ... on CreateApiKeyPayload { secret apiKey { id prefix permissions } } ... on Error { code message } }
}`;

test('createApiKey answers a secret that works at once, and a repeated call the key without it.', async () => {
  const input = { name: 'Site', role: 'SALES', permissions: ['TAGS_ASSIGN'], idempotencyKey: 'one' };
  const made = await ask<MadeKey>(createKey, { input });
  expect(made).toMatchObject({ apiKey: { permissions: ['CUSTOMERS_READ', 'TAGS_READ', 'TAGS_ASSIGN'] } });
  const { secret, apiKey } = made;
  expect(secret.startsWith(apiKey.prefix)).toBe(true);
  expect(await ask('{ viewer { kind role } }', {}, secret)).toEqual({ kind: 'API_KEY', role: 'SALES' });
  expect(await ask(createKey, { input })).toEqual({ ...made, secret: null });
});

test('addTags answers the customers with the tags that they have now, and deleteTag the id of what is gone.', async () => {
  const create = `mutation { createCustomer(input: { firstName: "Ada" }) { ... on CreateCustomerPayload { customer { id } } } }`;
  const { id } = (await ask<{ customer: { id: string } }>(create)).customer;
  const tagged = await ask<{ customers: { tags: { id: string }[] }[] }>(
    `mutation ($id: ID!) { addTags(input: { customerIds: [$id], tags: ["VIP", "Early bird"] }) {
      ... on AddTagsPayload { customers { id tags { id name } } } ... on Error { code message }
    } }`,
    { id },
  );
  expect(tagged).toMatchObject({ customers: [{ id, tags: [{ name: 'Early bird' }, { name: 'VIP' }] }] });
  const tagId = tagged.customers[0]?.tags[0]?.id;
  const remove = `mutation ($id: ID!) { deleteTag(input: { id: $id }) { ... on DeleteTagPayload { deletedTagId } ... on NotFoundError { id } } }`;
  expect(await ask(remove, { id: tagId })).toEqual({ deletedTagId: tagId });
  expect(await ask(remove, { id: tagId })).toEqual({ id: tagId });
});

test('Who may not see users sees staff members without their contact details.', async () => {
  await ask(
    `mutation { createStaffMember(input: { displayName: "Grace", email: "grace@example.com" }) { __typename } }`,
  );
  const { secret } = await ask<MadeKey>(createKey, {
    input: { name: 'Site', role: 'VIEWER', permissions: ['STAFF_READ'] },
  });
  const answer = await ask<{ errors: unknown; data: unknown }>(
    '{ staffMembers { nodes { displayName email user { id } } } }',
    {},
    secret,
  );
  expect(answer.data).toEqual({
    staffMembers: { nodes: [{ displayName: 'Grace', email: null, user: null }] },
  });
  expect(answer.errors).toMatchObject([
    { extensions: { code: 'FORBIDDEN' } },
    { extensions: { code: 'FORBIDDEN' } },
  ]);
});
