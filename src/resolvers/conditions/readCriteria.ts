import { type Condition, type Criteria, type Leaf, leavesOf } from '../../conditions/condition.ts';
import { fields } from '../../conditions/fields.ts';
import { parseCondition } from '../../conditions/parseCondition.ts';
import { idsIn } from '../../conditions/sentence.ts';
import type { Context } from '../../core/context.ts';
import type { Tx } from '../../core/database.ts';
import { InvalidInput, type Issue } from '../../core/errors.ts';
import { decodeId, encodeId } from '../../core/ids.ts';
import { allow } from '../../core/permissions.ts';
import { slugOf } from '../tags/tagFields.ts';
import { namesOf } from './namesOf.ts';

/**
 * Reads a condition that a caller sent: its form, whether they may ask for what is in it, and whether everything that
 * it names is there. Tags may be named; they are kept by id. Says what is wrong and where, below `path` of the input.
 */
export async function readCriteria(
  ctx: Context,
  tx: Tx,
  input: unknown,
  path: string,
  about: 'CUSTOMER' | { eventTypes: readonly string[] } = 'CUSTOMER',
): Promise<Criteria> {
  const below = (issues: Issue[]) =>
    new InvalidInput(
      issues.map((issue) => ({ ...issue, path: [path, issue.path].filter(Boolean).join('.') })),
    );
  const { condition, issues } = parseCondition(input, { currency: ctx.workspace.currency, about });
  if (issues) throw below(issues);
  allowCriteria(ctx, condition);

  const named = await withTagIds(ctx, tx, condition);
  const names = await namesOf(ctx, tx, idsIn(named));
  const unknown: Issue[] = [];
  for (const [leaf, at] of leavesOf(named)) {
    const refersTo = fields.get(leaf.field)?.refersTo;
    const check = (id: unknown, where: string) => {
      if (!names.has(String(id)))
        unknown.push({ path: [at, where].filter(Boolean).join('.'), message: missing(String(id)) });
    };
    if (refersTo) for (const id of [leaf.value ?? []].flat()) check(id, 'value');
    for (const id of leaf.where?.service ?? []) check(id, 'where.service');
    for (const id of leaf.where?.staff_member ?? []) check(id, 'where.staff_member');
  }
  if (unknown.length > 0) throw below(unknown);
  return named as Criteria;
}

const missing = (id: string) =>
  decodeId(id) ? `Nothing that you can see has the id ${id}.` : `No tag has the name ${id}.`;

/** Refuses a caller who may not see what the condition asks for: the answer would tell them. */
export function allowCriteria(ctx: Context, condition: Condition): void {
  for (const [leaf] of leavesOf(condition)) {
    const needs = fields.get(leaf.field)?.needs;
    if (needs) allow(ctx, needs);
  }
}

async function withTagIds(ctx: Context, tx: Tx, condition: Condition): Promise<Condition> {
  const named = [...leavesOf(condition)].flatMap(([leaf]) =>
    isOfTags(leaf) ? ([leaf.value ?? []].flat() as string[]) : [],
  );
  const slugs = named.filter((name) => decodeId(name)?.type !== 'Tag').map(slugOf);
  if (slugs.length === 0) return condition;
  const tags = await tx.tag.findMany({
    where: { workspaceId: ctx.workspace.id, slug: { in: slugs } },
    select: { id: true, slug: true },
  });
  const ids = new Map(tags.map(({ id, slug }) => [slug, encodeId('Tag', id)]));
  const idOf = (name: unknown) => ids.get(slugOf(String(name))) ?? (name as string);
  const change = (part: Condition): Condition => {
    if ('match' in part) return { ...part, conditions: part.conditions.map(change) };
    if ('not' in part) return { ...part, not: change(part.not) };
    if (!isOfTags(part) || part.value === undefined) return part;
    return { ...part, value: Array.isArray(part.value) ? part.value.map(idOf) : idOf(part.value) };
  };
  return change(condition);
}

const isOfTags = (leaf: Leaf) => leaf.field === 'tags' || leaf.field === 'event.tag';
