import { graphql } from 'graphql';
import { expect, test } from 'vitest';
import { openLocalBus } from '../../src/core/bus.ts';
import { encodeId, newId } from '../../src/core/ids.ts';
import { openEventLog } from '../../src/events/log.ts';
import { schema } from '../../src/schema/schema.ts';
import { createWorkspace, openTestDatabase, readerOf } from '../support/context.ts';

const db = await openTestDatabase();
const shop = await createWorkspace(db);
const contextValue = {
  ...(await shop.asUser('ADMIN')),
  eventLog: openEventLog(db, readerOf(db), openLocalBus()),
};

const id = (type: Parameters<typeof encodeId>[0]) => `{ eq: "${encodeId(type, newId())}" }`;
const ids = (type: Parameters<typeof encodeId>[0], count: number) =>
  `{ in: [${Array.from({ length: count }, () => `"${encodeId(type, newId())}"`).join(', ')}] }`;
const span = (days: number) =>
  `{ gte: "2026-01-01T00:00:00Z", lt: "${new Date(Date.UTC(2026, 0, 1 + days)).toISOString()}" }`;
const by = (field: string) => `orderBy: { field: ${field}, direction: ASC }`;

async function refusalOf(list: string): Promise<string | null> {
  const { errors } = await graphql({ schema, source: `{ ${list} { nodes { id } } }`, contextValue });
  return errors ? errors.map(({ message }) => message).join() : null;
}

test.each([
  [
    'a filter in the orders that have an index with it',
    `customers(filter: { ownerId: ${id('User')} }, ${by('NAME')})`,
  ],
  ['a span in its own order', `bookings(filter: { createdAt: ${span(900)} }, ${by('CREATED_AT')})`],
  ['a span without an order, which then follows it', `bookings(filter: { createdAt: ${span(900)} })`],
  [
    'a status with a span of the start',
    `bookings(filter: { status: { eq: PENDING }, startsAt: ${span(900)} })`,
  ],
  [
    'one that names a row, whatever else there is',
    `customers(filter: { email: { eq: "a@example.com" }, tagId: ${id('Tag')}, updatedAt: ${span(900)} }, ${by('NAME')})`,
  ],
  [
    'an owner with anything',
    `customers(filter: { ownerId: ${id('User')}, lifecycleStage: { in: [NEW, LEAD] }, tagId: ${id('Tag')}, updatedAt: ${span(900)} }, ${by('NAME')})`,
  ],
  [
    'a customer with anything',
    `bookings(filter: { customerId: ${ids('Customer', 3)}, status: { eq: PENDING }, createdAt: ${span(900)} })`,
  ],
  [
    'two conditions within a quarter',
    `bookings(filter: { status: { eq: PENDING }, serviceId: ${id('Service')}, startsAt: ${span(93)} })`,
  ],
  [
    'a search with anything',
    `customers(search: "ada", filter: { teamId: ${id('Team')}, tagId: ${id('Tag')}, updatedAt: ${span(900)} }, ${by('NAME')})`,
  ],
  ['ten values', `customers(filter: { tagId: ${ids('Tag', 10)} })`],
  [
    'as many values as there may be where rows are few',
    `customers(filter: { email: { in: ["a@example.com", "b@example.com"] } }, ${by('UPDATED_AT')})`,
  ],
])('A list serves %s.', async (_, list) => {
  expect(await refusalOf(list)).toBeNull();
});

test.each([
  [
    'an order that has no index with the filter',
    `customers(filter: { ownerId: ${id('User')} }, ${by('UPDATED_AT')})`,
    'filter.ownerId goes with orderBy CREATED_AT or NAME, not UPDATED_AT.',
  ],
  [
    'a tag by name',
    `customers(filter: { tagId: ${id('Tag')} }, ${by('NAME')})`,
    'filter.tagId goes with orderBy CREATED_AT, not NAME.',
  ],
  [
    'a span in another order',
    `customers(filter: { createdAt: ${span(1)} }, ${by('NAME')})`,
    'filter.createdAt goes with orderBy CREATED_AT.',
  ],
  [
    'two spans',
    `customers(filter: { createdAt: ${span(1)}, updatedAt: ${span(1)} })`,
    'filter.updatedAt does not go with filter.createdAt.',
  ],
  [
    'a span beside a condition that has no index with it',
    `bookings(filter: { status: { eq: PENDING }, createdAt: ${span(1)} })`,
    'filter.createdAt does not go with filter.status.',
  ],
  [
    'two conditions without a span',
    `bookings(filter: { status: { eq: PENDING }, serviceId: ${id('Service')} })`,
    'filter: serviceId and status together need startsAt with both ends, at most 93 days apart.',
  ],
  [
    'two conditions and a long span',
    `bookings(filter: { status: { eq: PENDING }, serviceId: ${id('Service')}, startsAt: ${span(94)} })`,
    'filter: serviceId and status together need startsAt with both ends, at most 93 days apart.',
  ],
  [
    'a customer in an order that has no index with them',
    `bookings(filter: { customerId: ${id('Customer')} }, ${by('CREATED_AT')})`,
    'filter.customerId goes with orderBy STARTS_AT, not CREATED_AT.',
  ],
  [
    'more than ten values',
    `customers(filter: { tagId: ${ids('Tag', 11)} })`,
    'tagId: A list may hold at most 10 values here, this one holds 11.',
  ],
  [
    'a filter by the object that the list belongs to',
    `customer(id: "${encodeId('Customer', newId())}") { bookings(filter: { customerId: ${id('Customer')} }) { nodes { id } } } customers`,
    'filter.customerId: This list has one only.',
  ],
  [
    'a status in the list of a staff member without a span',
    `node(id: "${encodeId('StaffMember', newId())}") { ... on StaffMember { bookings(filter: { status: { eq: PENDING } }) { nodes { id } } } } customers`,
    'filter: status needs startsAt with both ends, at most 93 days apart.',
  ],
])('A list refuses %s, and says what goes.', async (_, list, message) => {
  expect(await refusalOf(list)).toBe(message);
});

test.each(['bookings', 'payments'])(
  'The %s of one customer are few: every order and condition goes.',
  async (field) => {
    const filter =
      field === 'bookings'
        ? `filter: { status: { in: [PENDING, CONFIRMED] }, createdAt: ${span(900)} }, ${by('CREATED_AT')}`
        : `filter: { bookingId: ${id('Booking')} }`;
    expect(
      await refusalOf(
        `customer(id: "${encodeId('Customer', newId())}") { ${field}(${filter}) { nodes { id } } } customers`,
      ),
    ).toBeNull();
  },
);
