import type { Context } from '../../core/context.ts';
import type { Customer } from '../../core/database.ts';
import { encodeId } from '../../core/ids.ts';
import type { OpenConnection } from '../connections/openConnection.ts';
import { updateCustomer } from '../customers/updateCustomer.ts';
import { type Agreed, type Link, saveLink } from './contactLink.ts';

/** What is agreed on once they left these lists by themselves. */
export const optedOutOf = (agreed: Agreed, ids: readonly string[], at: Date): Agreed => ({
  ...agreed,
  lists: agreed.lists.filter((id) => !ids.includes(id)),
  optedOut: { ...agreed.optedOut, ...Object.fromEntries(ids.map((id) => [id, at.toISOString()])) },
});

/** That they are off a list is no news: we took them off, or know that they left. */
export const knownToBeOff = ({ left, optedOut }: Agreed, listId: string) =>
  left.includes(listId) || optedOut[listId] !== undefined;

/** Notes that they left lists by themselves. Leaving the list of those who agreed to marketing takes that back here. */
export async function noteOptOut(
  ctx: Context,
  open: OpenConnection,
  customer: Pick<Customer, 'id' | 'marketingConsent'>,
  link: Link,
  ids: readonly string[],
): Promise<void> {
  await saveLink(ctx, open, customer.id, { ...link, agreed: optedOutOf(link.agreed, ids, ctx.clock.now()) });
  if (!customer.marketingConsent || !ids.includes(open.sync.defaultListId ?? '')) return;
  await updateCustomer(ctx, {
    id: encodeId('Customer', customer.id),
    marketingConsent: false,
    marketingConsentSource: open.adapter.name,
  });
}
