import type { Criteria } from '../../conditions/condition.ts';
import { idsIn, sentence } from '../../conditions/sentence.ts';
import type { Context } from '../../core/context.ts';
import type { Tx } from '../../core/database.ts';
import { namesOf } from './namesOf.ts';

/** Stored criteria in words, with the names that things have now; null when there are none. */
export async function sentencesOf(
  ctx: Pick<Context, 'workspace' | 'db'>,
  criteria: unknown,
  tx: Tx = ctx.db,
): Promise<string | null> {
  if (!criteria) return null;
  const condition = criteria as Criteria;
  return sentence(condition, await namesOf(ctx, tx, idsIn(condition)));
}
