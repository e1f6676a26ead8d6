import { expect, test } from 'vitest';
import { openTestDatabase } from '../support/context.ts';
import { openBothPaths } from './bothPaths.ts';
import { makeHardRows } from './hardRows.ts';

const db = await openTestDatabase();
const rows = await makeHardRows(db);
const both = openBothPaths(db);
const customer = rows.ids.Customer?.[0];

const corpus: Record<string, string> = {
  leaves:
    '{ customers { nodes { id firstName lastName fullName email createdAt bornOn vip lifecycleStage } } }',
  tags: '{ customers(first: 20) { nodes { id fullName email tags { name } bookings(first: 3) { nodes { id status startsAt service { name } } } } } }',
  activities: `{ customer(id: "${customer}") { id fullName activities(first: 50) { nodes { id type title data occurredAt actor { kind id } } } } }`,
  paged:
    '{ customers(first: 4) { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } } nodes { id } } }',
  last: '{ customers(last: 4) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } } } }',
  stats: `{ customer(id: "${customer}") { stats { totalBookings totalSpent { amount currency __typename } } leadScore { score grade } } }`,
};

test.each(Object.entries(corpus))('Both paths answer the same to %s.', async (_, source) => {
  const { normal, planned, outcomes } = await both(rows.admin, source);
  expect(planned).toBe(normal);
  expect(outcomes.map(({ reason }) => reason)).toEqual(outcomes.map(() => ''));
});
