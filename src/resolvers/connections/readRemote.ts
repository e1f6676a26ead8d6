import type { Context } from '../../core/context.ts';
import { InvalidState, Refused } from '../../core/errors.ts';
import { encodeId } from '../../core/ids.ts';
import { visibleOrThrow } from '../../core/load.ts';
import { visible } from '../../core/visible.ts';
import type {
  Named,
  Page,
  RemoteAutomation,
  RemoteCampaign,
  RemoteField,
  RemoteList,
} from '../../integrations/capabilities.ts';
import { OutsideFailure } from '../../integrations/failure.ts';
import { slugOf } from '../tags/tagFields.ts';
import { type OpenConnection, openConnection } from './openConnection.ts';

/** However slow the outside system is, whoever asks has an answer by then. */
const readMs = 10_000;
const most = 1_000;

/** A tag there, and the one here that it is kept the same with. */
export interface RemoteTag extends Named {
  tagId: string | null;
}

/** What an account can be asked for. */
export interface RemoteAccount {
  fields: RemoteField[];
  tags: RemoteTag[];
  lists: RemoteList[];
  automations: RemoteAutomation[];
  campaigns: RemoteCampaign[];
}

type Readers = {
  [What in keyof RemoteAccount]: (
    ctx: Context,
    open: OpenConnection,
  ) => Promise<RemoteAccount[What]> | undefined;
};

const readers: Readers = {
  fields: (_ctx, { adapter, to }) => adapter.can.contacts?.fields(to),
  tags: (ctx, { adapter, to }) => {
    const { tags } = adapter.can;
    return tags && walked((after) => tags.all(to, after)).then((all) => matched(ctx, all));
  },
  lists: (_ctx, { adapter, to }) => {
    const { lists } = adapter.can;
    return lists && walked((after) => lists.all(to, after));
  },
  automations: (_ctx, { adapter, to }) => {
    const { automations } = adapter.can;
    return automations && walked((after) => automations.all(to, after));
  },
  campaigns: (_ctx, { adapter, to }) => {
    const { campaigns } = adapter.can;
    return campaigns && walked((after) => campaigns.all(to, after));
  },
};

/**
 * What the account of a connection holds now, asked of it before what waits in the background; the first thousand. Null when
 * the system knows no such thing, or the connection is disconnected.
 */
export async function readRemote<What extends keyof RemoteAccount>(
  ctx: Context,
  connectionId: string,
  what: What,
): Promise<RemoteAccount[What] | null> {
  const row = await visibleOrThrow(ctx, ctx.db, 'IntegrationConnection', connectionId);
  if (row.status === 'DISCONNECTED') return null;
  const signal = AbortSignal.timeout(readMs);
  try {
    const all = await readers[what](ctx, openConnection(ctx, row, { signal }));
    return (all?.slice(0, most) as RemoteAccount[What] | undefined) ?? null;
  } catch (error) {
    if (signal.aborted)
      throw new Refused(
        'INTEGRATION_UNAVAILABLE',
        `${row.name} did not answer within ${readMs / 1_000} seconds.`,
      );
    if (!(error instanceof OutsideFailure)) throw error;
    if (['UNAVAILABLE', 'RATE_LIMITED', 'UNEXPECTED'].includes(error.kind))
      throw new Refused('INTEGRATION_UNAVAILABLE', error.message);
    throw new InvalidState(error.message);
  }
}

/** Page after page, as far as anybody wants to see. */
async function walked<Item>(next: (after: string | null) => Promise<Page<Item>>): Promise<Item[]> {
  const found: Item[] = [];
  for (let after: string | null = null; ; ) {
    const page: Page<Item> = await next(after);
    found.push(...page.items);
    after = page.next;
    if (!after || found.length >= most) return found;
  }
}

/** Tags are the same by name, whatever its case. */
async function matched(ctx: Context, all: readonly Named[]): Promise<RemoteTag[]> {
  const slugs = all.map(({ name }) => slugOf(name));
  const here = await ctx.db.tag.findMany({
    where: { AND: [{ slug: { in: slugs } }, visible(ctx, 'Tag')] },
    select: { id: true, slug: true },
  });
  const ids = new Map(here.map(({ id, slug }) => [slug, encodeId('Tag', id)]));
  return all.map((tag, at) => ({ ...tag, tagId: ids.get(slugs[at] as string) ?? null }));
}
