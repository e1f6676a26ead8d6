import type { Context } from '../../core/context.ts';
import type { Customer, Tag, Tx } from '../../core/database.ts';
import { parse } from '../../core/parse.ts';
import { allow } from '../../core/permissions.ts';
import { write } from '../../core/write.ts';
import { recordAll } from '../../events/record.ts';
import { newTag } from './createTag.ts';
import {
  heldCustomers,
  heldTags,
  TaggingInput,
  type TagReference,
  taggingOf,
  takeOffRivals,
} from './tagging.ts';

/**
 * Puts tags on customers, all or none of it; answers the customers in the order of the input. Tags are named
 * by id or by name, and made when no tag has the name, which needs tags.write. A tag that is there already
 * stays, without an event.
 */
export async function addTags(ctx: Context, input: unknown): Promise<Customer[]> {
  allow(ctx, 'tags.assign');
  const { customerIds, tags: references } = parse(TaggingInput, input);

  return write(ctx, async (tx) => {
    const tags = await tagsOrNew(ctx, tx, references);
    const customers = await heldCustomers(ctx, tx, customerIds);
    await takeOffRivals(ctx, tx, customerIds, tags);
    const added = await tx.customerTag.createManyAndReturn({
      data: [...new Set(customerIds)].flatMap((customerId) =>
        tags.map(({ id: tagId }) => ({
          workspaceId: ctx.workspace.id,
          customerId,
          tagId,
          taggedAt: ctx.clock.now(),
          taggedById: ctx.viewer.kind === 'user' ? ctx.viewer.id : null,
        })),
      ),
      skipDuplicates: true,
      select: { customerId: true, tagId: true },
    });
    const byId = new Map(tags.map((tag) => [tag.id, tag]));
    await recordAll(
      ctx,
      tx,
      'tag.added',
      added.map(({ customerId, tagId }) => taggingOf(customerId, byId.get(tagId) as Tag)),
    );
    return customers;
  });
}

/** The tags that are meant; names that no tag has yet become tags. */
async function tagsOrNew(ctx: Context, tx: Tx, references: readonly TagReference[]): Promise<Tag[]> {
  for (;;) {
    const tags = await heldTags(ctx, tx, references);
    const known = new Set(tags.map(({ slug }) => slug));
    const unknown = references.filter((tag) => 'slug' in tag).filter(({ slug }) => !known.has(slug));
    const missing = new Map(unknown.toReversed().map(({ slug, name }) => [slug, name])); // The first spelling wins.
    if (missing.size === 0) return tags;

    allow(ctx, 'tags.write');
    const made = await tx.tag.createManyAndReturn({
      data: [...missing].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, name]) => newTag(ctx, name)),
      skipDuplicates: true, // Somebody else may make the same tag at this moment; the next round finds it.
    });
    await recordAll(
      ctx,
      tx,
      'tag.created',
      made.map(({ id, name }) => ({ subjectId: id, data: { name } })),
    );
  }
}
