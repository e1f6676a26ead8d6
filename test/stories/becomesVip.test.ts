import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createTestDatabase } from '../support/database.ts';
import { eventually, type Gateway, startGateway } from '../support/gateway.ts';

/** The real program, with the clients of frontends: a customer becomes a VIP on the tenth visit, and a board sees it. */

let gateway: Gateway;
let drop: () => Promise<void>;
beforeAll(async () => {
  const database = await createTestDatabase();
  drop = database.drop;
  gateway = await startGateway({ databaseUrl: database.url });
}, 120_000);
afterAll(async () => {
  await gateway.stop();
  await drop();
});

async function ask<Data>(query: string, input?: object): Promise<Data> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${gateway.adminKey}` },
    body: JSON.stringify({ query, variables: input && { input } }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
  expect(errors).toBeUndefined();
  return data;
}
/** Runs a mutation and answers the id of what it made or changed. */
async function change(name: string, object: string, input: object): Promise<string> {
  const Name = `${name[0]?.toUpperCase()}${name.slice(1)}`;
  const data = await ask<Record<string, Record<string, { id: string }>>>(
    `mutation ($input: ${Name}Input!) { ${name}(input: $input) { ... on ${Name}Payload { ${object} { id } } ... on Error { message } } }`,
    input,
  );
  const made = data[name]?.[object];
  if (!made) throw new Error(JSON.stringify(data));
  return made.id;
}

test('on the tenth completed booking, and not before; every visit moves the score, with its reason', {
  timeout: 120_000,
}, async () => {
  const client = createClient({
    url: gateway.wsUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${gateway.adminKey}` },
  });
  const frames: { segments: Record<string, unknown>[]; scores: Record<string, unknown>[] } = {
    segments: [],
    scores: [],
  };
  const follow = (query: string, into: Record<string, unknown>[]) =>
    client.subscribe<Record<string, Record<string, unknown>>>(
      { query },
      {
        next: ({ data }) => void into.push(Object.values(data ?? {})[0] as Record<string, unknown>),
        error: (error) => void into.push({ error }),
        complete: () => {},
      },
    );
  follow(
    'subscription { segmentMembershipChanged { cursor change segment { name memberCount } customer { fullName } } }',
    frames.segments,
  );
  follow(
    'subscription { leadScoreChanged { cursor previousScore score previousGrade grade reason customer { fullName } } }',
    frames.scores,
  );

  const { suggestedSegments } = await ask<{ suggestedSegments: { name: string; criteria: object }[] }>(
    '{ suggestedSegments { name criteria } }',
  );
  const vip = suggestedSegments.find(({ name }) => name === 'VIP');
  await change('createSegment', 'segment', { name: 'VIP', criteria: vip?.criteria });
  await eventually('the segment is worked out', () =>
    frames.segments.some(({ change: what }) => what === 'CALCULATED'),
  );

  const serviceId = await change('createService', 'service', {
    name: 'Cut',
    durationMinutes: 30,
    price: { amount: '30', currency: 'EUR' },
  });
  const customerId = await change('createCustomer', 'customer', { firstName: 'Ada', lastName: 'Lovelace' });
  for (let n = 1; n <= 10; n++) {
    const startsAt = new Date(Date.now() - n * 86_400_000);
    const id = await change('createBooking', 'booking', { customerId, serviceId, startsAt });
    expect(frames.segments.filter(({ change: what }) => what === 'JOINED')).toEqual([]);
    await change('completeBooking', 'booking', { id });
  }
  await eventually('the board sees who joined', () =>
    frames.segments.some(({ change: what }) => what === 'JOINED'),
  );
  expect(frames.segments.at(-1)).toMatchObject({
    change: 'JOINED',
    segment: { name: 'VIP', memberCount: 1 },
    customer: { fullName: 'Ada Lovelace' },
  });

  type Score = { leadScore: { score: number; grade: string } };
  const { customers } = await ask<{ customers: { nodes: Score[] } }>(
    '{ customers { nodes { leadScore { score grade } } } }',
  );
  const stored = customers.nodes[0]?.leadScore;
  await eventually(
    'the last frame has the score that is stored',
    () => frames.scores.at(-1)?.score === stored?.score,
  );
  expect(stored?.score).toBeGreaterThan(0);
  // Each frame goes on where the one before ended.
  for (const [n, frame] of frames.scores.entries()) {
    expect(frame.previousScore).toBe(n === 0 ? 0 : frames.scores[n - 1]?.score);
    expect(String(frame.reason)).not.toBe('');
  }
  await client.dispose();
});
