import type { Context } from '../../core/context.ts';
import type { Customer, Tag } from '../../core/database.ts';
import { parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { recordAll } from '../../events/record.ts';
import { heldCustomers, heldTags, TaggingInput, taggingOf } from './tagging.ts';

/**
 * Takes tags off customers, all or none of it; answers the customers in the order of the input. Tags are
 * named by id or by name. Where a tag is not, and for a name that no tag has, nothing is to be done.
 */
export async function removeTags(ctx: Context, input: unknown): Promise<Customer[]> {
  allow(ctx, 'tags.assign');
  const { customerIds, tags: references } = parse(TaggingInput, input);

  return write(ctx, async (tx) => {
    const tags = await heldTags(ctx, tx, references);
    const customers = await heldCustomers(ctx, tx, customerIds);
    const byId = new Map(tags.map((tag) => [tag.id, tag]));
    const removed = await tx.$queryRaw<{ customerId: string; tagId: string }[]>`
      DELETE FROM customer_tag
      WHERE workspace_id = ${ctx.workspace.id}::uuid AND customer_id = ANY(${customerIds}::uuid[]) AND tag_id = ANY(${[...byId.keys()]}::uuid[])
      RETURNING customer_id AS "customerId", tag_id AS "tagId"`;
    await recordAll(
      ctx,
      tx,
      'tag.removed',
      removed.map(({ customerId, tagId }) => taggingOf(customerId, byId.get(tagId) as Tag)),
    );
    return customers;
  });
}
