import { type Condition, type Criteria, type Leaf, leavesOf } from '../../conditions/condition.ts';
import { evaluate, sourceOf } from '../../conditions/evaluate.ts';
import { currencyOf, fields } from '../../conditions/fields.ts';
import type { Moment } from '../../conditions/moment.ts';
import { idsIn, sentence } from '../../conditions/sentence.ts';
import type { Context } from '../../core/context.ts';
import { encodeId } from '../../core/ids.ts';
import { decimalOf } from '../../core/money.ts';
import { allow } from '../../core/permissions.ts';
import { visible } from '../../core/visible.ts';
import { momentOf } from '../conditions/momentOf.ts';
import { namesOf } from '../conditions/namesOf.ts';
import { factsOf } from '../conditions/watch.ts';

export interface Explanation {
  isMember: boolean;
  joinedAt: Date | null;
  holds: boolean | null;
  parts: { path: string; sentence: string; holds: boolean; value: string | null }[];
}

/** Why a customer is in a segment or is not; null when the viewer may not see one of them. Values that they may not see are left out. */
export async function explainSegment(
  ctx: Context,
  segmentId: string | null,
  customerId: string | null,
): Promise<Explanation | null> {
  allow(ctx, 'segments.read');
  if (!segmentId || !customerId || !ctx.viewer.permissions.has('customers.read')) return null;
  const workspaceId = ctx.workspace.id;
  const [segment, customer, member] = await Promise.all([
    ctx.db.segment.findFirst({ where: { AND: [{ id: segmentId }, visible(ctx, 'Segment')] } }),
    ctx.db.customer.findFirst({
      where: { AND: [{ id: customerId }, visible(ctx, 'Customer')] },
      select: { id: true },
    }),
    ctx.db.segmentMember.findUnique({
      where: { workspaceId_segmentId_customerId: { workspaceId, segmentId, customerId } },
    }),
  ]);
  if (!segment || !customer) return null;
  const membership = { isMember: member !== null, joinedAt: member?.joinedAt ?? null };
  if (!segment.criteria) return { ...membership, holds: null, parts: [] };

  const criteria = segment.criteria as unknown as Criteria;
  const moment = await momentOf(ctx, ctx.db);
  const leaves = [...leavesOf(criteria)].map(([leaf]) => leaf);
  const facts = (await factsOf(ctx, ctx.db, leaves, [customerId], moment)).get(customerId) ?? new Map();
  const names = await namesOf(ctx, ctx.db, [
    ...idsIn(criteria),
    ...leaves.flatMap((leaf) => idsSeen(leaf, facts.get(sourceOf(leaf, moment)))),
  ]);
  const parts: Explanation['parts'] = [];
  const explain = (condition: Condition, path: string): void => {
    const at = (rest: string) => (path ? `${path}.${rest}` : rest);
    const holds = evaluate(condition, facts, moment);
    const leaf = 'field' in condition ? condition : null;
    const needs = leaf && fields.get(leaf.field)?.needs;
    const shown = leaf && (!needs || ctx.viewer.permissions.has(needs));
    const value = shown ? written(leaf, facts.get(sourceOf(leaf, moment)), moment, names) : null;
    parts.push({ path, sentence: sentence(condition, names), holds, value });
    if ('match' in condition)
      for (const [n, part] of condition.conditions.entries()) explain(part, at(`conditions.${n}`));
    if ('not' in condition) explain(condition.not, at('not'));
  };
  explain(criteria, '');
  return { ...membership, holds: evaluate(criteria, facts, moment), parts };
}

/** Public ids in a value, whose names are wanted. */
function idsSeen(leaf: Leaf, value: unknown): string[] {
  const refersTo = fields.get(leaf.field)?.refersTo;
  if (!refersTo || value == null) return [];
  return [value].flat().map((id) => encodeId(refersTo, String(id)));
}

function written(
  leaf: Leaf,
  value: unknown,
  moment: Moment,
  names: ReadonlyMap<string, string>,
): string | null {
  const kind = fields.get(leaf.field)?.kind;
  if (value == null) return null;
  if (kind === 'reference' || kind === 'list')
    return idsSeen(leaf, value)
      .map((id) => names.get(id) ?? id)
      .join(', ');
  if (kind === 'money') {
    const currency = currencyOf(leaf, moment);
    return `${decimalOf(BigInt(value as bigint), currency)} ${currency}`;
  }
  return value instanceof Date ? value.toISOString() : String(value);
}
