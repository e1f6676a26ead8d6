import type { Condition, Criteria } from '../../conditions/condition.ts';
import type { Moment } from '../../conditions/moment.ts';
import { toSql } from '../../conditions/toSql.ts';
import type { Context } from '../../core/context.ts';
import type { Event, Tag, TagRule, Tx } from '../../core/database.ts';
import { recordAll } from '../../events/record.ts';
import { momentOf } from '../conditions/momentOf.ts';
import {
  affectedBy,
  crossedSince,
  holding,
  nextCrossing,
  type Wanted,
  type Watcher,
  watcherOf,
} from '../conditions/watch.ts';
import { taggingOf } from '../tags/tagging.ts';

/** Customers that a new rule is applied to at once. */
const batch = 10_000;

/**
 * Keeps the tags of rules on those for whom their conditions hold. Of the rules for tags of one exclusive group the
 * first that holds wins, and every other tag of the group comes off.
 */
export const keepTagRules = {
  async read(ctx: Context, tx: Tx, events: readonly Event[]): Promise<void> {
    const rules = await activeRules(ctx, tx);
    if (rules.length === 0) return;
    const wanted = affectedBy(
      rules.map(({ watcher }) => watcher),
      events,
    );
    await look(ctx, tx, wanted, rules, await momentOf(ctx, tx));
  },

  async pass(ctx: Context, tx: Tx, from: Date, until: Date): Promise<Date | null> {
    const rules = await activeRules(ctx, tx);
    if (rules.length === 0) return null;
    const moment = await momentOf(ctx, tx);
    const watchers = rules.map(({ watcher }) => watcher);
    await look(ctx, tx, await crossedSince(ctx, tx, watchers, from, moment), rules, moment);
    if (await applyStale(ctx, tx, rules, moment)) return until; // Not everybody yet: on with it.
    return nextCrossing(ctx, tx, watchers, moment);
  },
};

interface Kept {
  rule: TagRule & { tag: Tag };
  watcher: Watcher;
  /** Rules that decide together, in the order in which they win. */
  group: string;
}

async function activeRules(ctx: Context, tx: Tx): Promise<Kept[]> {
  const rules = await tx.tagRule.findMany({
    where: { workspaceId: ctx.workspace.id, active: true },
    orderBy: [{ priority: 'asc' }, { id: 'asc' }],
    include: { tag: true },
  });
  return rules.map((rule) => ({
    rule,
    watcher: watcherOf(rule.id, rule.criteria as unknown as Criteria),
    group: rule.tag.exclusiveGroup ?? rule.tagId,
  }));
}

/** Tags to put on and to take off. */
interface Pair {
  customer: string;
  tag: string;
}

async function look(
  ctx: Context,
  tx: Tx,
  wanted: Wanted,
  rules: readonly Kept[],
  moment: Moment,
): Promise<void> {
  if (wanted.size === 0) return;
  // Who of a group wins can only be said when all of its rules are asked.
  const together: Wanted = new Map();
  for (const [watcher, ids] of wanted) {
    const group = rules.find((one) => one.watcher === watcher)?.group;
    for (const one of rules)
      if (one.group === group)
        together.set(one.watcher, new Set([...(together.get(one.watcher) ?? []), ...ids]));
  }
  const holds = await holding(ctx, tx, together, moment);
  const on: Pair[] = [];
  const off: Pair[] = [];
  for (const [, group] of Map.groupBy(
    rules.filter(({ watcher }) => together.has(watcher)),
    (one) => one.group,
  )) {
    for (const customer of together.get((group[0] as Kept).watcher) ?? []) {
      const winner = group.find(({ watcher }) => holds.get(watcher)?.has(customer));
      if (winner) on.push({ customer, tag: winner.rule.tagId });
      for (const { rule } of group)
        if (rule.tagId !== winner?.rule.tagId && (winner || rule.removes))
          off.push({ customer, tag: rule.tagId });
    }
  }
  await retag(ctx, tx, rules, on, off, moment);
}

/** Applies new and changed rules to everybody, ten thousand customers at a time; true while there are more. */
async function applyStale(ctx: Context, tx: Tx, rules: readonly Kept[], moment: Moment): Promise<boolean> {
  const stale = new Set(rules.filter(({ rule }) => rule.stale).map(({ group }) => group));
  for (const group of stale) {
    const members = rules.filter((one) => one.group === group);
    let found = 0;
    for (const [n, one] of members.entries()) {
      const earlier = members.slice(0, n).map(({ rule }) => ({ not: rule.criteria as unknown as Condition }));
      const wins: Condition = { match: 'all', conditions: [rule(one), ...earlier] };
      const { text, values } = toSql(wins, moment, ctx.workspace.id);
      const tag = `$${values.length + 1}::uuid`;
      const worn = `EXISTS (SELECT FROM customer_tag x WHERE x.workspace_id = $1::uuid AND x.customer_id = c.id AND x.tag_id = ${tag})`;
      const missing = await tx.$queryRawUnsafe<{ id: string }[]>(
        `${text} AND NOT ${worn} LIMIT ${batch}`,
        ...values,
        one.rule.tagId,
      );
      const none: Condition = { not: { match: 'any', conditions: members.map(rule) } };
      const gone = toSql(none, moment, ctx.workspace.id);
      const extra = one.rule.removes
        ? await tx.$queryRawUnsafe<{ id: string }[]>(
            `${gone.text} AND ${worn.replace(tag, `$${gone.values.length + 1}::uuid`)} LIMIT ${batch}`,
            ...gone.values,
            one.rule.tagId,
          )
        : [];
      found = Math.max(found, missing.length, extra.length);
      const pairs = (rows: { id: string }[]) => rows.map(({ id }) => ({ customer: id, tag: one.rule.tagId }));
      await retag(ctx, tx, rules, pairs(missing), pairs(extra), moment);
    }
    if (found === batch) return true;
    await tx.tagRule.updateMany({
      where: { id: { in: members.map((one) => one.rule.id) } },
      data: { stale: false },
    });
  }
  return false;
}

const rule = (one: Kept) => one.rule.criteria as unknown as Condition;

/** Puts tags on and takes tags off, first off, since a group has room for one. Only what changes is told. */
async function retag(
  ctx: Context,
  tx: Tx,
  rules: readonly Kept[],
  on: readonly Pair[],
  off: readonly Pair[],
  { now }: Moment,
): Promise<void> {
  if (on.length + off.length === 0) return;
  const workspaceId = ctx.workspace.id;
  const tags = new Map(rules.map((one) => [one.rule.tagId, one.rule.tag]));
  const removed = await tx.$queryRaw<(Pair & { name: string })[]>`
    WITH p AS (SELECT * FROM json_to_recordset(${JSON.stringify(off)}::json) AS x (customer uuid, tag uuid)),
    w AS (SELECT * FROM json_to_recordset(${JSON.stringify(on)}::json) AS x (customer uuid, tag uuid))
    DELETE FROM customer_tag t USING tag g
      WHERE t.workspace_id = ${workspaceId}::uuid AND g.workspace_id = t.workspace_id AND g.id = t.tag_id
        AND (EXISTS (SELECT FROM p WHERE p.customer = t.customer_id AND p.tag = t.tag_id)
          OR t.exclusive_group IS NOT NULL AND EXISTS (SELECT FROM w JOIN tag n ON n.workspace_id = t.workspace_id AND n.id = w.tag
            WHERE w.customer = t.customer_id AND w.tag <> t.tag_id AND n.exclusive_group = t.exclusive_group))
        AND t.customer_id IN (SELECT customer FROM p UNION SELECT customer FROM w)
      RETURNING t.customer_id AS customer, t.tag_id AS tag, g.name`;
  const added = await tx.$queryRaw<Pair[]>`
    INSERT INTO customer_tag (workspace_id, customer_id, tag_id, tagged_at)
      SELECT c.workspace_id, c.id, p.tag, ${now}
      FROM json_to_recordset(${JSON.stringify(on)}::json) AS p (customer uuid, tag uuid)
        JOIN customer c ON c.workspace_id = ${workspaceId}::uuid AND c.id = p.customer AND c.deleted_at IS NULL
    ON CONFLICT (workspace_id, customer_id, tag_id) DO NOTHING
    RETURNING customer_id AS customer, tag_id AS tag`;
  const named = ({ customer, tag, name }: Pair & { name: string }) => taggingOf(customer, { id: tag, name });
  await recordAll(ctx, tx, 'tag.removed', removed.map(named));
  await recordAll(
    ctx,
    tx,
    'tag.added',
    added.map((pair) => named({ ...pair, name: tags.get(pair.tag)?.name ?? '' })),
  );
}
