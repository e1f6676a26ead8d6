import { z } from 'zod';
import { type Criteria, leavesOf } from '../../conditions/condition.ts';
import type { Context } from '../../core/context.ts';
import type { Tx } from '../../core/database.ts';
import { AlreadyExists, InvalidInput } from '../../core/errors.ts';
import { encodeId, uuidOf } from '../../core/ids.ts';
import { idOf, text } from '../../core/parse.ts';
import { segmentsIn } from '../segments/segmentFields.ts';

/** A business has so many tag rules at most. */
export const maxTagRules = 200;

export const tagRuleFields = {
  name: text(100).transform((name) => name.replace(/\s+/g, ' ')),
  tagId: idOf('Tag'),
  criteria: z.unknown().optional(),
  removes: z.boolean().nullish(),
  priority: z.int().min(0).max(1_000_000).nullish(),
  active: z.boolean().nullish(),
};

export const tagRuleConstraints = {
  tag_rule_workspace_id_name_key: () => new AlreadyExists('name', 'Another tag rule has this name.'),
};

const tagsIn = (criteria: Criteria) =>
  [...leavesOf(criteria)].flatMap(([leaf]) =>
    leaf.field === 'tags' ? [leaf.value ?? []].flat().map((id) => uuidOf('Tag', String(id)) as string) : [],
  );

/**
 * Refuses a rule by which a tag would depend on itself, by way of segments and other rules however far round: such a tag
 * would go on and off for ever.
 */
export async function refuseTagCycle(
  ctx: Context,
  tx: Tx,
  rule: { id: string; tagId: string; criteria: Criteria },
): Promise<void> {
  const mine = { workspaceId: ctx.workspace.id };
  const [rules, segments] = await Promise.all([
    tx.tagRule.findMany({ where: mine, select: { id: true, tagId: true, criteria: true } }),
    tx.segment.findMany({ where: mine, select: { id: true, criteria: true } }),
  ]);
  const read = (criteria: unknown) => criteria as Criteria | null;
  const rulesOf = Map.groupBy(
    rules.filter(({ id }) => id !== rule.id),
    ({ tagId }) => tagId,
  );
  const segmentOf = new Map(segments.map(({ id, criteria }) => [id, read(criteria)]));
  const open: Criteria[] = [rule.criteria];
  const seen = new Set<string>();
  for (let criteria = open.pop(); criteria; criteria = open.pop()) {
    for (const tag of tagsIn(criteria)) {
      if (tag === rule.tagId)
        throw new InvalidInput([
          {
            path: 'criteria',
            message: `Whether the tag ${encodeId('Tag', tag)} is put on would depend on itself.`,
          },
        ]);
      if (seen.has(tag)) continue;
      seen.add(tag);
      for (const next of rulesOf.get(tag) ?? []) open.push(read(next.criteria) as Criteria);
    }
    for (const id of segmentsIn(criteria)) {
      const next = segmentOf.get(id);
      if (next && !seen.has(id)) open.push(next);
      seen.add(id);
    }
  }
}
