import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/core/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { type BigBusiness, bigBusiness, loadBigBusiness, uuid } from './bigBusiness.ts';
import { type Measured, measureLists, pageSize, viewerOf, withMeasure } from './measure.ts';

/**
 * What lists cost at 50,000 customers: the plan of every statement that is really sent, for every list, order, filter
 * and search of the schema. A page may cost rows in proportion to its size, never to the table.
 */

/** Rows that may be looked at for each row of the page. */
const usual = 5;

interface Exception {
  lists: RegExp;
  /** Rows that are looked at for each row of the page, at most; measured, and rounded up. */
  most: number;
  why: string;
}

/** What costs more than usual, for a viewer who reaches everybody. Whoever mends one takes it from the list. */
const exceptions: Exception[] = [
  {
    lists: /^Query\.customers.*search: (a first name of many|two letters|one letter)/,
    most: 35,
    why: 'A twentieth of the customers match: the list is read in its order until the page is full.',
  },
  {
    lists: /^Query\.customers NAME (ASC|DESC), search: two letters/,
    most: 900,
    why: 'As above; but all the matches are at one end of this order, which statistics cannot know.',
  },
  {
    lists: /^Query\.customers.*ownerId: (many|both)/,
    most: 25,
    why: 'The index of owners is ordered by creation; in other orders, and for several owners, all are read until the page is full.',
  },
  {
    lists: /^Query\.customers NAME (ASC|DESC), createdAt: since/,
    most: 15,
    why: 'A filter on one column and the order of another: read in order until the page is full.',
  },
  {
    lists: /^(Query|StaffMember)\.bookings.*(createdAt|startsAt): /,
    most: 560,
    why: 'A span of one time in the order of the other, and the two go together: everything outside the span is read first.',
  },
  {
    lists: /^(Query|StaffMember|ClassSession)\.bookings.*status: both/,
    most: 12,
    why: 'Two statuses are two parts of an index: read in order until the page is full.',
  },
  {
    lists: /^Query\.(bookings|payments).*customerId: (many|both)/,
    most: 35,
    why: 'Several customers, or another order than that of the index of customers: read in order until the page is full.',
  },
  {
    lists: /^StaffMember\.bookings.*customerId: (many|both)/,
    most: 960,
    why: 'No index has both; the bookings of the staff member are read in order, or all of the customer.',
  },
  {
    lists: /^(Customer|StaffMember)\.bookings CREATED_AT/,
    most: 970,
    why: 'The indexes of customers and staff members are ordered by start: all bookings of the one are read and sorted.',
  },
  {
    lists:
      /^Customer\.bookings.*(createdAt|externalId|reference|resourceId|serviceId|staffMemberId|status): /,
    most: 65,
    why: 'All bookings of the customer are read, if few of them match.',
  },
  {
    lists: /^Customer\.activities.*types: few/,
    most: 65,
    why: 'All activities of the customer are read, if few of them match.',
  },
  {
    lists: /^ClassSession\.bookings/,
    most: 1_100,
    why: 'There is no index on session_id: (workspace_id, session_id, starts_at, id) would be one.',
  },
];

/** For a viewer of some customers each row is also looked up among the customers, and in `customer_access`. */
const usualScoped = 8;
const scopedExceptions: Exception[] = [
  ...exceptions.filter(({ lists }) => !lists.source.includes('status: both')),
  {
    lists: /^Query\.bookings.*status: both/,
    most: 20,
    why: 'Two statuses are two parts of an index: read in order until the page is full.',
  },
];

let url: string;
let db: Database;
let drop: () => Promise<void>;
beforeAll(async () => {
  ({ url, drop } = await createTestDatabase());
  await loadBigBusiness(url);
  db = openDatabase(url);
}, 600_000);
afterAll(async () => {
  await db.$disconnect();
  await drop();
});

const all = () => ({ url, db, big: bigBusiness, viewer: viewerOf(bigBusiness, null) });

function judge(measured: Measured[], known: Exception[], usual: number) {
  const allowed = ({ name }: Measured) =>
    Math.max(usual, ...known.filter(({ lists }) => lists.test(name)).map(({ most }) => most));
  // A page of 50 needs the first row of the next, and the row of its cursor.
  const rowsOf = (one: Measured) => allowed(one) * (pageSize + 2);
  const said = ({ name, rows, pages, scanned }: Measured) =>
    `${name}: ${rows} rows, ${pages} pages${scanned.length ? `, all of ${scanned}` : ''}`;
  return {
    tooMany: measured.filter((one) => one.rows > rowsOf(one)).map(said),
    // Index entries that are passed over cost no row; a long search text is looked up by many parts.
    tooManyPages: measured.filter((one) => one.pages > 4 * one.rows + 400).map(said),
    readWhole: measured.filter(({ scanned }) => scanned.length > 0).map(said),
    idle: known
      .filter(({ lists }) => !measured.some(({ name, rows }) => lists.test(name) && rows > usual * pageSize))
      .map(({ lists }) => String(lists)),
  };
}

const nothing = { tooMany: [], tooManyPages: [], readWhole: [], idle: [] };

describe('At 50,000 customers', { timeout: 600_000 }, () => {
  test('every list of the schema, in every order, with every filter and search, on its first page and in its middle, costs rows by the page.', async () => {
    const measured = [
      ...(await measureLists(all(), { name: /^Query\./, thorough: true })),
      ...(await measureLists(all(), { name: /^(?!Query\.)/, thorough: false })),
    ];
    expect(measured.length).toBeGreaterThan(800);
    expect(judge(measured, exceptions, usual)).toEqual(nothing);
  });

  test('a page in the middle costs what the first one costs.', async () => {
    const measured = await measureLists(all(), {
      name: /\.(customers|bookings|payments|activities)$/,
      thorough: false,
    });
    const costs = new Map(measured.map(({ name, rows }) => [name, rows]));
    const plain = measured.filter(
      ({ name }) =>
        /^\S+( \w+ (ASC|DESC),)? (after|before) the middle$/.test(name) &&
        !/(Customer|StaffMember)\.bookings CREATED|ClassSession/.test(name),
    );
    expect(plain.length).toBeGreaterThan(20);
    const dearer = plain.filter(({ name, rows }) => {
      const first =
        costs.get(name.replace(/,? (after|before) the middle$/, '')) ??
        costs.get(name.replace(/ (after|before) the middle$/, ' plain'));
      return first === undefined || rows > first + 10;
    });
    expect(dearer.map(({ name, rows }) => `${name}: ${rows}`)).toEqual([]);
  });

  test('the newest 20 customers with all that a dashboard shows of them cost rows by what is shown.', async () => {
    const shown = `nodes { firstName tags { name } leadScore { score } stats { totalBookings totalSpent { amount } }
      bookings(first: 3) { totalCount nodes { startsAt service { name } staffMember { displayName } } }
      cancelled: bookings(first: 3, filter: { status: { eq: CANCELLED } }) { totalCount nodes { id } }
      activities(first: 3) { nodes { title } } payments(first: 3) { nodes { id } } }`;
    const { rows, scanned } = await withMeasure(all(), (measure) =>
      measure('dashboard', `{ customers(first: 20) { ${shown} } }`),
    );
    expect(scanned).toEqual([]);
    expect(rows).toBeLessThan(20 * 20);
  });

  const few = { ...bigBusiness, busyCustomer: uuid('7', 24_000), quietCustomer: uuid('7', 31_000) };
  test.each<[string, BigBusiness, string]>([
    ['50', few, bigBusiness.ownerOfFew],
    ['45,000', bigBusiness, bigBusiness.staffOfMost],
  ])('the lists of a viewer of %s customers cost rows by the page.', async (_, big, principal) => {
    const viewer = viewerOf(big, [principal]);
    const measured = await measureLists(
      { url, db, big, viewer },
      { name: /^Query\.(customers|bookings|payments|activities)$/, thorough: false },
    );
    expect(measured.length).toBeGreaterThan(150);
    const { tooMany, tooManyPages, readWhole } = judge(measured, scopedExceptions, usualScoped);
    expect({ tooMany, tooManyPages, readWhole }).toEqual({ tooMany: [], tooManyPages: [], readWhole: [] });
  });
});
