import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { type Gateway, startGateway } from '../../support/gateway.ts';

let database: TestDatabase;
let gateway: Gateway;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await startGateway({ databaseUrl: database.url });
});
afterAll(async () => {
  await gateway?.stop();
  await database?.drop();
});

async function ask(query: string, variables: object = {}) {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${gateway.adminKey}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: Record<string, never>; errors?: unknown };
  expect(errors).toBeUndefined();
  return data as Record<string, { [field: string]: { id: string } & Record<string, unknown> }>;
}

test('a subscriber sees over a real socket what a booking did to the score, and why; and the breakdown explains it', async () => {
  const made = await ask(`mutation {
    customer: createCustomer(input: { firstName: "Ada" }) { ... on CreateCustomerPayload { customer { id } } }
    service: createService(input: { name: "Cut", durationMinutes: 30, price: { amount: "30", currency: "EUR" } }) {
      ... on CreateServicePayload { service { id } } } }`);
  const [customerId, serviceId] = [made.customer?.customer?.id, made.service?.service?.id];
  const client = createClient({
    url: gateway.wsUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${gateway.adminKey}` },
  });
  const after = ((await ask('{ eventCursor }')) as unknown as { eventCursor: string }).eventCursor;
  const frames = client.iterate({
    query: `subscription ($customerId: ID, $after: String) { leadScoreChanged(customerId: $customerId, after: $after) {
      cursor previousScore score previousGrade grade reason customer { id leadScore { score grade } } } }`,
    variables: { customerId, after },
  });
  const startsAt = new Date(Date.now() + 86_400_000).toISOString();
  const book = 'mutation ($input: CreateBookingInput!) { createBooking(input: $input) { __typename } }';
  await ask(book, { input: { customerId, serviceId, startsAt } });
  const { value } = await frames.next();
  expect(value).toEqual({
    data: {
      leadScoreChanged: {
        cursor: expect.any(String),
        previousScore: 0,
        score: 30,
        previousGrade: 'COLD',
        grade: 'WARM',
        reason: 'Booking +10, Booked in the last 30 days +10, Booked in the last 90 days +10',
        customer: { id: customerId, leadScore: { score: 30, grade: 'WARM' } },
      },
    },
  });
  await frames.return?.(undefined as never);
  await client.dispose();

  const shown = await ask(
    `query ($id: ID!) { customer(id: $id) { leadScore { calculatedAt lastActivityAt breakdown(first: 10) { totalCount nodes {
      points reason counts occurredAt expiresAt rule { key perAmount { amount currency } conditionSentence } } } } }
      customers(first: 1, orderBy: { field: LEAD_SCORE, direction: DESC }) { nodes { id } }
      settings { leadGrades { warmFrom hotFrom qualifiedFrom } }
      leadScoreRules(first: 50) { totalCount nodes { name active eventType inactiveDays conditionSentence } } }`,
    { id: customerId },
  );
  type Breakdown = {
    nodes: { points: number; counts: boolean; rule: { key: string } }[];
    totalCount: number;
  };
  const { nodes, totalCount } = (shown.customer as unknown as { leadScore: { breakdown: Breakdown } })
    .leadScore.breakdown;
  expect(totalCount).toBe(3);
  expect(nodes.map(({ points, counts, rule }) => [rule.key, points, counts]).sort()).toEqual([
    ['booked', 10, true],
    ['booked_within_30_days', 10, true],
    ['booked_within_90_days', 10, true],
  ]);
  expect(shown).toMatchObject({
    customer: { leadScore: { calculatedAt: expect.any(String), lastActivityAt: expect.any(String) } },
    customers: { nodes: [{ id: customerId }] },
    settings: { leadGrades: { warmFrom: 26, hotFrom: 51, qualifiedFrom: 76 } },
    leadScoreRules: {
      totalCount: 16,
      nodes: expect.arrayContaining([
        expect.objectContaining({
          name: 'Visits pricing page',
          active: true,
          eventType: 'PAGE_VISITED',
          conditionSentence: 'what it was about contains pricing',
        }),
      ]),
    },
  });
});
