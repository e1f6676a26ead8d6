import { type Condition, type Leaf, leavesOf } from '../../conditions/condition.ts';
import { evaluate, type Facts } from '../../conditions/evaluate.ts';
import { type CustomerField, type Edge, fields } from '../../conditions/fields.ts';
import { dayOf, type Moment, shifted } from '../../conditions/moment.ts';
import { factsSql } from '../../conditions/toSql.ts';
import type { Context } from '../../core/context.ts';
import { Prisma, type Tx } from '../../core/database.ts';

/**
 * Keeps what follows from conditions in step with events and with time, without looking at everybody: who may have
 * changed, and what holds for them now. Segments and tag rules do with it what they are for.
 */

/** A condition that somebody keeps an eye on. */
export interface Watcher {
  id: string;
  condition: Condition;
  leaves: Leaf[];
}

/** Which customers to look at again, by watcher. */
export type Wanted = Map<Watcher, Set<string>>;

export function watcherOf(id: string, condition: Condition): Watcher {
  return { id, condition, leaves: [...leavesOf(condition)].map(([leaf]) => leaf) };
}

/** For whom these events can have changed what holds. */
export function affectedBy(
  watchers: readonly Watcher[],
  events: readonly { type: string; customerId: string | null }[],
): Wanted {
  const wanted: Wanted = new Map();
  const byType = Map.groupBy(events, ({ type }) => type);
  for (const [type, of] of byType) {
    const customers = of.flatMap(({ customerId }) => customerId ?? []);
    if (customers.length === 0) continue;
    for (const watcher of watchers)
      if (changedBy(watcher, type)) for (const id of customers) want(wanted, watcher, id);
  }
  return wanted;
}

/** A customer who is new meets conditions on what they do not have. */
const changedBy = ({ leaves }: Watcher, type: string) =>
  type === 'customer.created' ||
  type === 'customer.deleted' ||
  leaves.some((leaf) => (fields.get(leaf.field) as CustomerField | undefined)?.changedBy?.(type, leaf));

function want(wanted: Wanted, watcher: Watcher, customerId: string): void {
  const customers = wanted.get(watcher);
  if (customers) customers.add(customerId);
  else wanted.set(watcher, new Set([customerId]));
}

/** Customers whose values are read at once. */
const batch = 1_000;

/** For whom of those the condition holds now, by watcher. One statement for a thousand customers. */
export async function holding(
  ctx: Pick<Context, 'workspace'>,
  tx: Tx,
  wanted: Wanted,
  moment: Moment,
): Promise<Map<Watcher, Set<string>>> {
  const holds = new Map([...wanted.keys()].map((watcher) => [watcher, new Set<string>()]));
  const leaves = [...wanted.keys()].flatMap((watcher) => watcher.leaves);
  const customers = [...new Set([...wanted.values()].flatMap((ids) => [...ids]))];
  for (let from = 0; from < customers.length; from += batch) {
    const some = customers.slice(from, from + batch);
    for (const [id, facts] of await factsOf(ctx, tx, leaves, some, moment))
      for (const [watcher, ids] of wanted)
        if (ids.has(id) && evaluate(watcher.condition, facts, moment)) holds.get(watcher)?.add(id);
  }
  return holds;
}

/** Leaves in one statement: PostgreSQL knows rows of up to 1,664 columns. */
const columns = 1_000;

/** What conditions need to know of these customers. Those who are deleted are left out. */
export async function factsOf(
  ctx: Pick<Context, 'workspace'>,
  tx: Tx,
  leaves: readonly Leaf[],
  customerIds: readonly string[],
  moment: Moment,
): Promise<Map<string, Facts>> {
  const facts = new Map<string, Map<string, unknown>>();
  for (let from = 0; from === 0 || from < leaves.length; from += columns) {
    const some = leaves.slice(from, from + columns);
    const { text, values, sources } = factsSql(some, moment, ctx.workspace.id, customerIds);
    for (const row of await tx.$queryRawUnsafe<Record<string, unknown>[]>(text, ...values)) {
      const known = facts.get(row.id as string) ?? new Map();
      facts.set(row.id as string, known);
      for (const [n, source] of sources.entries()) known.set(source, row[`f${n}`]);
    }
  }
  return facts;
}

/** The edges of all conditions, each with those who have it. */
function edgesOf(watchers: readonly Watcher[]): { edge: Edge; of: Watcher[] }[] {
  const edges = new Map<string, { edge: Edge; of: Watcher[] }>();
  for (const watcher of watchers)
    for (const leaf of watcher.leaves) {
      const field = fields.get(leaf.field);
      for (const edge of (field?.about === 'CUSTOMER' && field.edges?.(leaf)) || []) {
        const key = JSON.stringify(edge);
        const known = edges.get(key) ?? { edge, of: [] };
        edges.set(key, known);
        if (!known.of.includes(watcher)) known.of.push(watcher);
      }
    }
  return [...edges.values()];
}

/** For whom what holds can have changed only because time went by, from `from` up to now. */
export async function crossedSince(
  ctx: Pick<Context, 'workspace'>,
  tx: Tx,
  watchers: readonly Watcher[],
  from: Date,
  moment: Moment,
): Promise<Wanted> {
  const wanted: Wanted = new Map();
  for (const { edges, table, column } of byColumn(edgesOf(watchers))) {
    const moved = edges
      .map(({ edge, of }) => ({
        of,
        low: boundOf(edge, from, moment),
        high: boundOf(edge, moment.now, moment),
      }))
      .filter(({ low, high }) => low.getTime() !== high.getTime());
    if (moved.length === 0) continue;
    const rows = await tx.$queryRaw<{ n: number; id: string | null }[]>`
      SELECT DISTINCT e.n::integer - 1 AS n, x.id
      FROM unnest(${moved.map(({ low }) => low)}::timestamptz[], ${moved.map(({ high }) => high)}::timestamptz[]) WITH ORDINALITY e (low, high, n)
        CROSS JOIN LATERAL (SELECT ${table === 'customer' ? Prisma.raw('id') : Prisma.raw('customer_id AS id')} FROM ${Prisma.raw(table)}
          WHERE workspace_id = ${ctx.workspace.id}::uuid AND ${column} >= e.low AND ${column} <= e.high OFFSET 0) x`;
    for (const { n, id } of rows) if (id) for (const watcher of moved[n]?.of ?? []) want(wanted, watcher, id);
  }
  return wanted;
}

/** When the next of those comes; null when none is in sight. Never later than it really is. */
export async function nextCrossing(
  ctx: Pick<Context, 'workspace'>,
  tx: Tx,
  watchers: readonly Watcher[],
  moment: Moment,
): Promise<Date | null> {
  const now = moment.now.getTime();
  const due: number[] = [];
  for (const { edges, table, column } of byColumn(edgesOf(watchers))) {
    if (edges[0]?.edge.column === 'born_on') {
      due.push(now + hourMs); // A day begins at a different hour in each zone; looking costs little.
      continue;
    }
    const highs = edges.map(({ edge }) => boundOf(edge, moment.now, moment));
    const rows = await tx.$queryRaw<{ n: number; at: Date }[]>`
      SELECT e.n::integer - 1 AS n, x.at FROM unnest(${highs}::timestamptz[]) WITH ORDINALITY e (high, n)
        CROSS JOIN LATERAL (SELECT ${column} AS at FROM ${Prisma.raw(table)}
          WHERE workspace_id = ${ctx.workspace.id}::uuid AND ${column} >= e.high ORDER BY ${column} LIMIT 1) x`;
    for (const { n, at } of rows) {
      const { amount, unit } = (edges[n] as { edge: Edge }).edge.shift;
      const back = shifted(at, { amount: -amount, unit }, moment.zone).getTime() + 1; // "before" holds behind the bound.
      // Months differ in length, so the way back can be off by days: look once an hour while one is under way.
      const calendar = unit === 'months' || unit === 'years';
      due.push(Math.max(calendar ? Math.min(back, now + hourMs) : back, now + 1));
    }
  }
  return due.length > 0 ? new Date(Math.min(...due)) : null;
}

/** Edges on the same times are looked up together, however many windows conditions have. */
function byColumn(edges: ReturnType<typeof edgesOf>) {
  return [...Map.groupBy(edges, ({ edge }) => `${edge.table}.${edge.column}`).values()].map((of) => {
    const { table, column } = (of[0] as { edge: Edge }).edge;
    return { edges: of, table, column: Prisma.raw(column) };
  });
}

const hourMs = 3_600_000;

/** Where the edge is at that moment. Of a birth only the day counts. */
function boundOf({ column, shift }: Edge, at: Date, moment: Moment): Date {
  if (column !== 'born_on') return shifted(at, shift, moment.zone);
  const { amount, unit } = shift;
  return new Date(
    dayOf(amount < 0 ? { ago: -amount, unit } : { ahead: amount, unit }, { ...moment, now: at }),
  );
}
