import { z } from 'zod';
import type { Context } from '../../core/context.ts';
import type { Customer, Tag, Tx } from '../../core/database.ts';
import { InvalidInput, NotFound } from '../../core/errors.ts';
import { encodeId, uuidOf } from '../../core/ids.ts';
import { idOf } from '../../core/parse.ts';
import { visible } from '../../core/visible.ts';
import { recordAll } from '../../events/record.ts';
import { slugOf, tagName } from './tagFields.ts';

/** What `addTags` and `removeTags` share. */

const maxCustomers = 100;
const maxTags = 20;

/** A tag as a caller names it: by its id, or by its name. */
export type TagReference = { id: string } | { name: string; slug: string };

const tagReference = z.string().transform((written, check): TagReference => {
  const id = uuidOf('Tag', written.trim());
  if (id) return { id };
  const name = tagName.safeParse(written);
  if (name.success) return { name: name.data, slug: slugOf(name.data) };
  for (const { message } of name.error.issues) check.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const listOf = <Item extends z.ZodType>(item: Item, most: number) =>
  z.array(item).min(1, 'Must hold at least one.').max(most, `Must hold at most ${most}.`);

export const TaggingInput = z.object({
  customerIds: listOf(idOf('Customer'), maxCustomers),
  tags: listOf(tagReference, maxTags),
});

/**
 * The tags that there are among these, held until the transaction ends: nobody deletes them meanwhile.
 * An id without a tag is a NotFound failure; a name without one is left out.
 */
export async function heldTags(ctx: Context, tx: Tx, references: readonly TagReference[]): Promise<Tag[]> {
  const ids = references.flatMap((tag) => ('id' in tag ? tag.id : []));
  const slugs = references.flatMap((tag) => ('slug' in tag ? tag.slug : []));
  const held = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM tag WHERE workspace_id = ${ctx.workspace.id}::uuid AND (id = ANY(${ids}::uuid[]) OR slug = ANY(${slugs}::text[]))
    ORDER BY id FOR KEY SHARE`;
  const tags = await tx.tag.findMany({
    where: { AND: [{ id: { in: held.map(({ id }) => id) } }, visible(ctx, 'Tag')] },
    orderBy: { id: 'asc' },
  });
  const missing = ids.find((id) => !tags.some((tag) => tag.id === id));
  if (missing) throw new NotFound(encodeId('Tag', missing));
  return tags;
}

/** The customers with these ids in that order, held until the transaction ends; all of them or a NotFound failure. */
export async function heldCustomers(ctx: Context, tx: Tx, ids: readonly string[]): Promise<Customer[]> {
  await tx.$queryRaw`SELECT 1 FROM customer
    WHERE workspace_id = ${ctx.workspace.id}::uuid AND id = ANY(${[...ids]}::uuid[]) ORDER BY id FOR NO KEY UPDATE`;
  const rows = await tx.customer.findMany({
    where: { AND: [{ id: { in: [...ids] } }, visible(ctx, 'Customer')] },
  });
  const byId = new Map(rows.map((customer) => [customer.id, customer]));
  return ids.map((id) => {
    const customer = byId.get(id);
    if (!customer) throw new NotFound(encodeId('Customer', id));
    return customer;
  });
}

/**
 * Makes room for tags of exclusive groups: takes the others of their groups off these customers. Two tags of one group
 * cannot be put on together.
 */
export async function takeOffRivals(
  ctx: Context,
  tx: Tx,
  customerIds: readonly string[],
  tags: readonly Tag[],
): Promise<void> {
  const grouped = tags.filter(({ exclusiveGroup }) => exclusiveGroup !== null);
  if (grouped.length === 0) return;
  const groups = grouped.map(({ exclusiveGroup }) => exclusiveGroup as string);
  const twice = grouped.find(({ exclusiveGroup }, n) => groups.indexOf(exclusiveGroup as string) !== n);
  if (twice)
    throw new InvalidInput([
      { path: 'tags', message: `A customer wears one tag of the group ${twice.exclusiveGroup} at most.` },
    ]);
  const removed = await tx.$queryRaw<{ customerId: string; id: string; name: string }[]>`
    DELETE FROM customer_tag t USING tag g
      WHERE t.workspace_id = ${ctx.workspace.id}::uuid AND t.customer_id = ANY(${[...customerIds]}::uuid[])
        AND t.exclusive_group = ANY(${groups}::text[]) AND t.tag_id <> ALL(${grouped.map(({ id }) => id)}::uuid[])
        AND g.workspace_id = t.workspace_id AND g.id = t.tag_id
      RETURNING t.customer_id AS "customerId", g.id, g.name`;
  await recordAll(
    ctx,
    tx,
    'tag.removed',
    removed.map(({ customerId, ...tag }) => taggingOf(customerId, tag)),
  );
}

/** What an event says of a tag that was put on a customer or taken off. */
export function taggingOf(customerId: string, tag: Pick<Tag, 'id' | 'name'>) {
  return { subjectId: tag.id, customerId, data: { tagId: encodeId('Tag', tag.id), tagName: tag.name } };
}
