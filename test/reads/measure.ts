import { graphql } from 'graphql';
import pg from 'pg';
import { openLocalBus } from '../../src/core/bus.ts';
import type { Viewer } from '../../src/core/context.ts';
import type { Database } from '../../src/core/database.ts';
import { permissionsOf } from '../../src/core/permissions.ts';
import { openEventLog } from '../../src/events/log.ts';
import { schema } from '../../src/schema/schema.ts';
import { testContext } from '../support/context.ts';
import type { BigBusiness } from './bigBusiness.ts';
import { filterArgument, type ListField, listFields, type Order, samplesOf, searches } from './cases.ts';
import { type Cost, costOf } from './plans.ts';
import { type Statement, watchStatements } from './statements.ts';

/** Rows of a page. */
export const pageSize = 50;

export interface Measured extends Cost {
  name: string;
  statements: Statement[];
}

/** Whom a list is read as: one who reaches everybody, or only the customers of these principals. */
export function viewerOf(big: BigBusiness, principals: string[] | null): Viewer {
  const rights = {
    permissions: permissionsOf('ADMIN'),
    rowScope: principals ? ('ASSIGNED' as const) : ('ALL' as const),
  };
  return { kind: 'user', id: big.owner, role: 'ADMIN', ...rights, principals: principals ?? [] };
}

/** Asks as this viewer, and answers what came and every statement that it took. */
export function asker(db: Database, big: BigBusiness, viewer: Viewer) {
  const context = {
    ...testContext(db, { workspace: big.workspace, viewer }),
    eventLog: openEventLog(db, openLocalBus()),
  };
  return async (source: string) => {
    const { result, statements } = await watchStatements(() =>
      graphql({ schema, source, contextValue: { ...context } }),
    );
    if (result.errors)
      throw new Error(`${source}: ${result.errors.map(({ message }) => message).join('; ')}`);
    return { data: result.data as Record<string, unknown>, statements };
  };
}

export interface Target {
  url: string;
  db: Database;
  big: BigBusiness;
  viewer: Viewer;
}

/** Measures what a query costs the database, over all the statements that it takes. */
export async function withMeasure<Result>(
  { url, db, big, viewer }: Target,
  use: (measure: (name: string, query: string) => Promise<Measured>) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const ask = asker(db, big, viewer);
  try {
    return await use(async (name, query) => {
      const { statements } = await ask(query);
      const total: Cost = { rows: 0, pages: 0, scanned: [] };
      for (const statement of statements) {
        const cost = await costOf(client, statement);
        total.rows += cost.rows;
        total.pages += cost.pages;
        total.scanned.push(...cost.scanned);
      }
      return { name, ...total, statements };
    });
  } finally {
    await client.end();
  }
}

/** What each way to ask for a page of these lists costs; `thorough` crosses every filter with every order. */
export function measureLists(
  of: Target,
  lists: { name: RegExp; thorough: boolean },
  onAsk: (name: string, query: string) => void = () => {},
): Promise<Measured[]> {
  return withMeasure(of, async (measure) => {
    const measured: Measured[] = [];
    for (const field of listFields(of.big.objects).filter(({ name }) => lists.name.test(name))) {
      for (const [name, args] of await waysToAsk(of.db, of.big, field, samplesOf(of.big), lists.thorough)) {
        onAsk(`${field.name} ${name}`, field.query(args));
        measured.push(await measure(`${field.name} ${name}`, field.query(args)));
      }
    }
    return measured;
  });
}

/** Every order at both ends and in the middle; every filter and search, in every order if thorough. */
async function waysToAsk(
  db: Database,
  big: BigBusiness,
  field: ListField,
  samples: ReturnType<typeof samplesOf>,
  thorough: boolean,
): Promise<[string, string][]> {
  const orders: (Order | null)[] = [null, ...field.orders];
  const restrictions: [string, string][] = [
    ...field.filters.flatMap((filter) => {
      const values = samples[filter];
      if (!values) throw new Error(`Say in samplesOf what to filter by for ${filter}.`);
      return Object.entries(values).map(([label, value]): [string, string] => [
        `${filter.split('.').at(-1)}: ${label}`,
        filterArgument(filter, value),
      ]);
    }),
    ...(field.search
      ? Object.entries(searches).map(([label, text]): [string, string] => [
          `search: ${label}`,
          `search: "${text}"`,
        ])
      : []),
  ];
  const ways: [string, string][] = [];
  const add = (label: string[], args: string[]) =>
    ways.push([label.filter(Boolean).join(', ') || 'plain', args.filter(Boolean).join(', ')]);
  for (const order of orders) {
    const by = order ? `orderBy: { field: ${order.field}, direction: ${order.direction} }` : '';
    const called = order ? `${order.field} ${order.direction}` : '';
    const middle = await cursorInTheMiddle(db, big, field, order);
    add([called], [`first: ${pageSize}`, by]);
    if (middle) add([called, 'after the middle'], [`first: ${pageSize}`, `after: "${middle}"`, by]);
    if (middle) add([called, 'before the middle'], [`last: ${pageSize}`, `before: "${middle}"`, by]);
    add([called, 'the last'], [`last: ${pageSize}`, by]);
    if (order && !thorough) continue;
    for (const [label, args] of restrictions) {
      add([called, label], [`first: ${pageSize}`, args, by]);
      if (middle && !order)
        add([label, 'after the middle'], [`first: ${pageSize}`, `after: "${middle}"`, args]);
    }
  }
  return ways;
}

/** The cursor of the row that half of the list comes before. */
async function cursorInTheMiddle(
  db: Database,
  big: BigBusiness,
  { name, declaration: { list, model } }: ListField,
  order: Order | null,
): Promise<string | null> {
  const column = order ? (list.order.columns[order.field] as string) : list.order.default.column;
  const parent: Record<string, object> = {
    'Customer.bookings': { customerId: big.busyCustomer },
    'Customer.payments': { customerId: big.busyCustomer },
    'Customer.activities': { customerId: big.busyCustomer },
    'StaffMember.bookings': { staffMemberId: big.staffOfMost },
    'ClassSession.bookings': { sessionId: big.session },
    'Booking.payments': { bookingId: big.booking },
  };
  const where = { workspaceId: big.workspace.id, ...list.always, ...parent[name] };
  const delegate = db[`${model[0]?.toLowerCase()}${model.slice(1)}` as 'customer'];
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
