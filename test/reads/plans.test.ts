import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/core/database.ts';
import { createTestDatabase } from '../support/database.ts';
import { type BigBusiness, bigBusiness, loadBigBusiness, uuid } from './bigBusiness.ts';
import {
  allowedRows,
  type Measured,
  measureLists,
  usual,
  usualScoped,
  viewerOf,
  withMeasure,
} from './measure.ts';

/**
 * What lists cost at 50,000 customers: the plan of every statement that is really sent, for every list, order, filter
 * and search of the schema. A page may cost rows in proportion to its size, never to the table.
 */

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

function judge(measured: Measured[], usual: number) {
  const said = ({ name, rows, pages, scanned }: Measured) =>
    `${name}: ${rows} rows, ${pages} pages${scanned.length ? `, all of ${scanned}` : ''}`;
  return {
    tooMany: measured.filter((one) => one.rows > allowedRows(one, usual)).map(said),
    // Index entries that are passed over cost no row; a look that finds nothing costs a few pages all the same.
    tooManyPages: measured.filter((one) => one.pages > 4 * one.rows + 1_000).map(said),
    readWhole: measured.filter(({ scanned }) => scanned.length > 0).map(said),
  };
}

const nothing = { tooMany: [], tooManyPages: [], readWhole: [] };

describe('At 50,000 customers', { timeout: 600_000 }, () => {
  test('every list of the schema, in every order, with every filter and search, on its first page and in its middle, costs rows by the page.', async () => {
    const measured = [
      ...(await measureLists(all(), { name: /^Query\./, thorough: true })),
      ...(await measureLists(all(), { name: /^(?!Query\.)/, thorough: false })),
    ];
    expect(measured.length).toBeGreaterThan(800);
    expect(judge(measured, usual)).toEqual(nothing);
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

  test.each<[string, string[] | null]>([
    ['everybody', null],
    ['most', [bigBusiness.staffOfMost]],
    ['few', [bigBusiness.ownerOfFew]],
  ])(
    'the figures of a day, for who reaches %s, cost rows by the day, which has some 50 bookings.',
    async (_, principals) => {
      const of = { ...all(), viewer: viewerOf(bigBusiness, principals) };
      const { rows, scanned } = await withMeasure(of, (measure) =>
        measure(
          'day',
          '{ daySummary(date: "2022-05-05") { totalBookings bookingsMade revenue { amount } } }',
        ),
      );
      expect(scanned).toEqual([]);
      expect(rows).toBeLessThan(500);
    },
  );

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
    expect(judge(measured, usualScoped)).toEqual(nothing);
  });
});
