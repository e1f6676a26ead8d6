import { toSql } from '../../conditions/toSql.ts';
import type { Context } from '../../core/context.ts';
import { databaseError } from '../../core/database.ts';
import { InvalidInput, Refused } from '../../core/errors.ts';
import { allow } from '../../core/permissions.ts';
import { momentOf } from '../conditions/momentOf.ts';
import { readCriteria } from '../conditions/readCriteria.ts';
import { sentencesOf } from '../conditions/sentencesOf.ts';

export interface Preview {
  count: number;
  /** Some of them, as uuids. */
  ids: string[];
  sentence: string;
}

const sampleSize = 10;
const timeoutMs = 5_000;

/** How many customers criteria hold, of those whom the viewer may see, and some of them. Writes nothing. */
export async function previewSegment(ctx: Context, criteria: unknown): Promise<Preview> {
  allow(ctx, 'segments.write');
  allow(ctx, 'customers.read');
  try {
    return await ctx.db.$transaction(async (tx) => {
      const condition = await readCriteria(ctx, tx, criteria, 'criteria');
      const { text, values } = toSql(condition, await momentOf(ctx, tx), ctx.workspace.id);
      const scoped = ctx.viewer.rowScope !== 'ALL';
      const reach = scoped
        ? ` AND c.id IN (SELECT a.customer_id FROM customer_access a WHERE a.workspace_id = $1::uuid AND a.principal_id = ANY($${values.length + 1}::uuid[]))`
        : '';
      await tx.$executeRawUnsafe(`SET LOCAL statement_timeout = ${timeoutMs}`);
      const [found] = await tx.$queryRawUnsafe<{ count: number; ids: string[] | null }[]>(
        `WITH wanted AS MATERIALIZED (${text}${reach})
         SELECT (SELECT count(*)::integer FROM wanted) AS count,
           ARRAY(SELECT id FROM wanted ORDER BY id DESC LIMIT ${sampleSize}) AS ids`,
        ...values,
        ...(scoped ? [[...ctx.viewer.principals]] : []),
      );
      const sentence = (await sentencesOf(ctx, condition, tx)) as string;
      return { count: found?.count ?? 0, ids: found?.ids ?? [], sentence };
    });
  } catch (error) {
    // A query has no typed failures: what is wrong with its arguments is a refusal.
    if (error instanceof InvalidInput)
      throw new Refused('BAD_USER_INPUT', error.message, { issues: error.issues });
    if (databaseError(error)?.code === '57014')
      throw new Refused(
        'UNAVAILABLE',
        `This took more than ${timeoutMs / 1_000} seconds. Ask for less, or save it and let a worker do it.`,
      );
    throw error;
  }
}
