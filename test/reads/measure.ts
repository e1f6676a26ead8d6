import { graphql } from 'graphql';
import pg from 'pg';
import { openLocalBus } from '../../src/core/bus.ts';
import type { Viewer } from '../../src/core/context.ts';
import type { Database } from '../../src/core/database.ts';
import { Refused } from '../../src/core/errors.ts';
import { permissionsOf } from '../../src/core/permissions.ts';
import { openEventLog } from '../../src/events/log.ts';
import { type Beginning, searchedWords } from '../../src/resolvers/customers/searchable.ts';
import { schema } from '../../src/schema/schema.ts';
import { readerOf, testContext } from '../support/context.ts';
import type { BigBusiness } from './bigBusiness.ts';
import { filterArgument, type ListField, listFields, type Order, samplesOf, searches } from './cases.ts';
import { type Cost, costOf } from './plans.ts';
import { type Statement, watchStatements } from './statements.ts';

/** Rows of a page. */
export const pageSize = 50;

export interface Measured extends Cost {
  name: string;
  statements: Statement[];
  /** Why it was refused; nothing was read then. */
  refused?: string;
  /** Pages of a list that it may cost: more than one where it is several lists in one. */
  pagesOfList: number;
  /** Rows that it may cost whatever the page, for a reason that has nothing to do with the size of the table. */
  anyhow: number;
}

/** Rows that may be looked at for each row of the page. */
export const usual = 5;
/** For a viewer of some customers each row is also looked up among the customers, and in `customer_access`. */
export const usualScoped = 8;

/**
 * Rows that this may cost: by its page, which needs the first row of the next too, and the row of its cursor, and what
 * it may cost anyhow.
 */
export function allowedRows({ pagesOfList, anyhow }: Measured, perRow: number): number {
  return perRow * pagesOfList * (pageSize + 2) + anyhow;
}

/** Whom a list is read as: one who reaches everybody, or only the customers of these principals. */
export function viewerOf(big: BigBusiness, principals: string[] | null): Viewer {
  const rights = {
    permissions: permissionsOf('ADMIN'),
    rowScope: principals ? ('ASSIGNED' as const) : ('ALL' as const),
  };
  return { kind: 'user', id: big.owner, role: 'ADMIN', ...rights, principals: principals ?? [] };
}

/** Asks as this viewer, and answers what came and every statement that it took, or why it was refused. */
export function asker(db: Database, big: BigBusiness, viewer: Viewer) {
  const context = {
    ...testContext(db, { workspace: big.workspace, viewer }),
    eventLog: openEventLog(db, readerOf(db), openLocalBus()),
  };
  return async (source: string) => {
    const { result, statements } = await watchStatements(() =>
      graphql({ schema, source, contextValue: { ...context } }),
    );
    const [error] = result.errors ?? [];
    if (error && !(error.originalError instanceof Refused)) throw new Error(`${source}: ${error.message}`);
    return { data: result.data as Record<string, unknown>, statements, refused: error?.message };
  };
}

export interface Target {
  url: string;
  db: Database;
  big: BigBusiness;
  viewer: Viewer;
}

type Measure = (
  name: string,
  query: string,
  allowed?: Partial<Pick<Measured, 'pagesOfList' | 'anyhow'>>,
) => Promise<Measured>;

/** Measures what a query costs the database, over all the statements that it takes. */
export async function withMeasure<Result>(
  { url, db, big, viewer }: Target,
  use: (measure: Measure) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const ask = asker(db, big, viewer);
  try {
    return await use(async (name, query, allowed) => {
      const { statements, refused } = await ask(query);
      const total: Cost = { rows: 0, pages: 0, scanned: [], milliseconds: 0, plan: '' };
      const plans: string[] = [];
      for (const statement of statements) {
        const cost = await costOf(client, statement);
        total.rows += cost.rows;
        total.pages += cost.pages;
        total.scanned.push(...cost.scanned);
        total.milliseconds += cost.milliseconds;
        plans.push(cost.plan);
      }
      total.plan = plans.join('; ');
      return { name, ...total, statements, refused, pagesOfList: 1, anyhow: 0, ...allowed };
    });
  } finally {
    await client.end();
  }
}

/** What each way to ask for a page of these lists costs; `thorough` crosses every filter with every order and filter. */
export function measureLists(
  of: Target,
  lists: { name: RegExp; thorough: boolean },
  onAsk: (name: string, query: string) => void = () => {},
): Promise<Measured[]> {
  return withMeasure(of, async (measure) => {
    const measured: Measured[] = [];
    for (const field of listFields(of.big.objects).filter(({ name }) => lists.name.test(name))) {
      for (const way of await waysToAsk(of, field, lists.thorough)) {
        onAsk(`${field.name} ${way.label}`, field.query(way.args));
        measured.push(await measure(`${field.name} ${way.label}`, field.query(way.args), way));
      }
    }
    return measured;
  });
}

interface Way extends Pick<Measured, 'pagesOfList' | 'anyhow'> {
  label: string;
  args: string;
}

/** One thing to restrict a list by. */
interface Restriction {
  label: string;
  /** The condition, and its value; null for a search. */
  filter: string | null;
  value: string;
  pagesOfList: number;
  anyhow: number;
}

/** Every order at both ends and in the middle; every filter and search, in every order and by pairs if thorough. */
async function waysToAsk(of: Target, field: ListField, thorough: boolean): Promise<Way[]> {
  const { db, big, viewer } = of;
  const orders: (Order | null)[] = [null, ...field.orders];
  const samples = samplesOf(big);
  const perRow = viewer.rowScope === 'ALL' ? usual : usualScoped;
  const ofParent = await rowsOfParent(db, big, field);
  const filters = field.filters.flatMap((filter) => {
    const values = samples[filter];
    if (!values) throw new Error(`Say in samplesOf what to filter by for ${filter}.`);
    return Object.entries(values).map(
      ([label, value]): Restriction => ({
        label: `${filter.split('.').at(-1)}: ${label}`,
        filter,
        value,
        pagesOfList: 1,
        anyhow: 0,
      }),
    );
  });
  const texts = await Promise.all(
    (field.search ? Object.entries(searches) : []).map(async ([label, text]): Promise<Restriction> => {
      const words = searchedWords(text);
      const several = words.length > 1 || words.some((one) => one.length > 1);
      return {
        label: `search: ${label}`,
        filter: null,
        value: text,
        pagesOfList: Math.max(...words.map((one) => one.length)),
        // Several words, those of a viewer who reaches some customers, and what may be a phone number are looked for by
        // way of a list of so many at most, which does not grow with the table. Of several words that all have more
        // matches than that, the matches are looked through.
        anyhow:
          several || viewer.rowScope !== 'ALL'
            ? Math.max(perRow * bestMatches, several ? await matchesOf(db, big, words) : 0)
            : 0,
      };
    }),
  );
  const ways: Way[] = [];
  const add = (label: string[], args: string[], restrictions: Restriction[] = [], ordered = false) => {
    const search = restrictions.find(({ filter }) => filter === null);
    ways.push({
      label: label.filter(Boolean).join(', ') || 'plain',
      args: args.filter(Boolean).join(', '),
      pagesOfList: Math.max(1, ...restrictions.map(({ pagesOfList }) => pagesOfList)),
      anyhow: Math.max(
        ofParent,
        search && ordered ? perRow * bestMatches : 0,
        ...restrictions.map(({ anyhow }) => anyhow),
      ),
    });
  };
  for (const order of orders) {
    const by = order ? `orderBy: { field: ${order.field}, direction: ${order.direction} }` : '';
    const called = order ? `${order.field} ${order.direction}` : '';
    const middle = await cursorInTheMiddle(db, big, field, order);
    add([called], [`first: ${pageSize}`, by]);
    if (middle) add([called, 'after the middle'], [`first: ${pageSize}`, `after: "${middle}"`, by]);
    if (middle) add([called, 'before the middle'], [`last: ${pageSize}`, `before: "${middle}"`, by]);
    add([called, 'the last'], [`last: ${pageSize}`, by]);
    if (order && !thorough) continue;
    for (const one of [...filters, ...texts]) {
      const args = argumentsOf([one]);
      add([called, one.label], [`first: ${pageSize}`, args, by], [one], order !== null);
      const cursor = one.filter === null ? await nextCursor(of, field, args) : middle;
      if (cursor && !order)
        add([one.label, 'after the middle'], [`first: ${pageSize}`, `after: "${cursor}"`, args], [one]);
    }
  }
  if (thorough) {
    const looked = await Promise.all(
      [...filters, ...texts].map(async (one) => ({ ...one, anyhow: await lookedThrough(of, field, one) })),
    );
    for (const [one, other] of pairsOf(looked)) {
      const label = [one.label, other.label];
      const args = [`first: ${pageSize}`, argumentsOf([one, other])];
      const [by] =
        other.filter === null
          ? [other]
          : [one, other].filter(({ anyhow }) => anyhow > 0).sort((a, b) => a.anyhow - b.anyhow);
      add(label, args, by ? [by] : []);
    }
  }
  return ways;
}

/** As many matches of a search as are put in the order that is asked for, and as are followed to see whether they are few. */
const bestMatches = 1_000;

function argumentsOf(restrictions: Restriction[]): string {
  const conditions = restrictions.flatMap(({ filter, value }) =>
    filter && /^\w+Filter\./.test(filter) ? `${filter.split('.').at(-1)}: ${value}` : [],
  );
  const others = restrictions.flatMap(({ filter, value }) =>
    filter === null ? `search: "${value}"` : /^\w+Filter\./.test(filter) ? [] : filterArgument(filter, value),
  );
  return [conditions.length > 0 ? `filter: { ${conditions.join(', ')} }` : '', ...others]
    .filter(Boolean)
    .join(', ');
}

/** Every two conditions together, each with a value that many rows have and one that few have. */
function pairsOf(all: Restriction[]): [Restriction, Restriction][] {
  const telling = all.filter(({ label }) => /: (many|few|one|a week|an? .*name.*|two letters)$/.test(label));
  return telling.flatMap((one, at) =>
    telling
      .slice(at + 1)
      .filter(({ filter }) => filter !== one.filter)
      .map((other): [Restriction, Restriction] => [one, other]),
  );
}

/**
 * Rows that may be looked through for another condition: what one customer or owner has brought about, what a short
 * span of time holds, or what a search finds. Each up to three times: in an index, in its table and in that of the other
 * condition.
 */
async function lookedThrough(
  { db, big, viewer }: Target,
  field: ListField,
  one: Restriction,
): Promise<number> {
  const { list } = field.declaration;
  const serving = one.filter ? list.served?.[one.filter.split('.').at(-1) as string] : undefined;
  if (one.filter && serving?.as !== 'span' && !(serving?.as === 'part' && serving.few)) return 0;
  const { data } = await asker(
    db,
    big,
    viewer,
  )(`{ ${field.name.split('.')[1]}(${argumentsOf([one])}) { totalCount } }`);
  const { totalCount } = Object.values(data)[0] as { totalCount: number };
  return 3 * totalCount + (one.filter === null ? usual * bestMatches : 0);
}

/** The entries of these words, and up to three times the customers who have the rarest. */
async function matchesOf(db: Database, big: BigBusiness, ways: Beginning[][]): Promise<number> {
  const counts = await Promise.all(
    ways.flat().map((word) => db.customerWord.count({ where: { workspaceId: big.workspace.id, word } })),
  );
  return counts.reduce((sum, count) => sum + count, 0) + 3 * Math.min(...counts);
}

/** The cursor at the end of the first page. */
async function nextCursor(
  { db, big, viewer }: Target,
  field: ListField,
  args: string,
): Promise<string | null> {
  const { data } = await asker(db, big, viewer)(field.query(`first: ${pageSize}, ${args}`));
  const list = Object.values(data ?? {})[0] as { pageInfo: { endCursor: string | null } } | null;
  return list?.pageInfo.endCursor ?? null;
}

/** Which rows a list of an object holds. */
const parents = (big: BigBusiness): Record<string, object> => ({
  'Customer.bookings': { customerId: big.busyCustomer },
  'Customer.payments': { customerId: big.busyCustomer },
  'Customer.activities': { customerId: big.busyCustomer },
  'StaffMember.bookings': { staffMemberId: big.staffOfMost },
  'ClassSession.bookings': { sessionId: big.session },
  'Booking.payments': { bookingId: big.booking },
});

const delegateOf = (db: Database, model: string) =>
  db[`${model[0]?.toLowerCase()}${model.slice(1)}` as 'customer'];

/** What one person, booking or sitting of a class has brought about may be looked through; what a staff member has, may not. */
async function rowsOfParent(db: Database, big: BigBusiness, field: ListField): Promise<number> {
  const parent = parents(big)[field.name];
  if (!parent || field.name === 'StaffMember.bookings') return 0;
  return delegateOf(db, field.declaration.model).count({ where: parent as never });
}

/** The cursor of the row that half of the list comes before. */
async function cursorInTheMiddle(
  db: Database,
  big: BigBusiness,
  { name, declaration: { list, model } }: ListField,
  order: Order | null,
): Promise<string | null> {
  const column = order ? (list.order.columns[order.field] as string) : list.order.default.column;
  const where = { workspaceId: big.workspace.id, ...list.always, ...parents(big)[name] };
  const delegate = delegateOf(db, model);
  const count = await delegate.count({ where: where as never });
  const row = await delegate.findFirst({
    where: where as never,
    orderBy: [{ [column]: 'desc' }, { id: 'desc' }] as never,
    skip: Math.floor(count / 2),
  });
  if (!row) return null;
  const text =
    model === 'Event'
      ? `GPC:T:${JSON.stringify([`S:${big.workspace.id}`, `S:${row.id}`])}`
      : `GPC:S:${row.id}`;
  return Buffer.from(text).toString('base64');
}
