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

/** What conditions need to know of these customers. Those who are deleted are left out. */
export async function factsOf(
  ctx: Pick<Context, 'workspace'>,
  tx: Tx,
  leaves: readonly Leaf[],
  customerIds: readonly string[],
  moment: Moment,
): Promise<Map<string, Facts>> {
  const { text, values, sources } = factsSql(leaves, moment, ctx.workspace.id, customerIds);
  const rows = await tx.$queryRawUnsafe<Record<string, unknown>[]>(text, ...values);
  return new Map(
    rows.map((row) => [row.id as string, new Map(sources.map((source, n) => [source, row[`f${n}`]]))]),
  );
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
  for (const { edge, of } of edgesOf(watchers)) {
    const [low, high] = [from, moment.now].map((at) => boundOf(edge, at, moment));
    if (String(low) === String(high)) continue;
    const rows = await tx.$queryRaw<{ id: string | null }[]>`
      SELECT DISTINCT ${Prisma.raw(customerOf(edge))} AS id FROM ${Prisma.raw(edge.table)}
      WHERE workspace_id = ${ctx.workspace.id}::uuid AND ${Prisma.raw(edge.column)} >= ${low} AND ${Prisma.raw(edge.column)} <= ${high}`;
    for (const { id } of rows) if (id) for (const watcher of of) want(wanted, watcher, id);
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
  let next: Date | null = null;
  const earlier = (at: Date) => {
    if (next === null || at < next) next = at;
  };
  for (const { edge } of edgesOf(watchers)) {
    if (edge.column === 'born_on') {
      earlier(new Date(moment.now.getTime() + hourMs)); // A day begins at a different hour in each zone; looking costs little.
      continue;
    }
    const high = boundOf(edge, moment.now, moment);
    const [row] = await tx.$queryRaw<{ at: Date | null }[]>`
      SELECT ${Prisma.raw(edge.column)} AS at FROM ${Prisma.raw(edge.table)}
      WHERE workspace_id = ${ctx.workspace.id}::uuid AND ${Prisma.raw(edge.column)} >= ${high}
      ORDER BY ${Prisma.raw(edge.column)} LIMIT 1`;
    if (!row?.at) continue;
    const { amount, unit } = edge.shift;
    const due = shifted(row.at, { amount: -amount, unit }, moment.zone).getTime() + 1; // "before" holds behind the bound.
    // Months differ in length, so the way back can be off by days: look once an hour while one is under way.
    const calendar = unit === 'months' || unit === 'years';
    const at = calendar ? Math.min(due, moment.now.getTime() + hourMs) : due;
    earlier(new Date(Math.max(at, moment.now.getTime() + 1)));
  }
  return next;
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

const customerOf = ({ table }: Edge) => (table === 'customer' ? 'id' : 'customer_id');
