import type {
  ActivityType,
  FeedAddedSubscription,
  FeedAddedSubscriptionVariables,
  FeedQuery,
} from '../generated/graphql.ts';
import type { Gateway } from './gateway.ts';
import { graphql } from './graphql.ts';
import { type Arrival, type Live, startLive, stream } from './live.ts';
import { createStore, type Store } from './store.ts';

/** What happens in the whole business: the newest of it, how far behind this page is, and what it missed. */
export interface Feed extends Live<FeedItem[]> {
  /** From the commit of the latest live event to its arrival, in milliseconds; null before there was one. */
  lagMs: Store<number | null>;
}

export type FeedActivity = FeedQuery['activities']['nodes'][number];
export interface FeedItem extends FeedActivity {
  /** It happened while the line was cut. */
  missed: boolean;
  /** It came while this page was open. */
  fresh: boolean;
}

const kept = 60;
/** As many as one page holds: beyond that it is "100 or more". */
const countable = 100;
/** Missed events that do not come for so long are not for this viewer. */
const patienceMs = 5_000;
const settlingMs = 1_000;

const recent = graphql(`
  query Feed($types: [ActivityType!], $after: String, $first: Int) {
    activities(types: $types, after: $after, first: $first) {
      nodes {
        id type title occurredAt recordedAt origin data
        actor { kind }
        customer { id fullName email }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const added = graphql(`
  subscription FeedAdded($types: [ActivityType!], $after: String) {
    activityAdded(types: $types, after: $after) {
      cursor
      activity {
        id type title occurredAt recordedAt origin data
        actor { kind }
        customer { id fullName email }
      }
    }
  }
`);

const newest = graphql(`query NewestActivities { activities(first: 100) { nodes { id recordedAt } } }`);

/** Follows everything for as long as somebody is signed in; that is also how it is known what was missed. */
export function createFeed(gateway: Gateway): Feed {
  const lagMs = createStore<number | null>(null);
  const delivered = new Set<string>();
  let expected: Set<string> | null = null;
  let patience: ReturnType<typeof setTimeout> | undefined;

  const live = startLive<FeedItem[]>(gateway, async () => {
    const { activities } = await gateway.ask(recent, { first: kept });
    return activities.nodes.map((node) => ({ ...node, missed: false, fresh: false }));
  }, [
    stream(
      added,
      {},
      (items, arrivals) => atHead(items, arrivals).slice(0, kept),
      ({ activity }) => {
        remember(activity.id);
        if (gateway.connection.get().state === 'live')
          lagMs.set(Math.max(0, gateway.clock.now() - Date.parse(activity.recordedAt)));
        if (expected?.delete(activity.id)) report();
      },
    ),
  ]);

  function remember(id: string): void {
    delivered.add(id);
    if (delivered.size > 20 * countable) delivered.delete(delivered.values().next().value as string);
  }

  /** How many events there are behind the last one that this page has. */
  async function countMissed(): Promise<void> {
    expected = null;
    clearTimeout(patience);
    const shown = live.state.get().data;
    const oldest = shown?.at(-1)?.recordedAt ?? '';
    const known = new Set(shown?.map(({ id }) => id));
    try {
      const { activities } = await gateway.ask(newest, {});
      expected = new Set(
        activities.nodes
          .filter(({ id, recordedAt }) => !known.has(id) && !delivered.has(id) && recordedAt >= oldest)
          .map(({ id }) => id),
      );
    } catch {
      expected = new Set();
    }
    report();
  }

  function report(): void {
    const connection = gateway.connection.get();
    if (!expected || (connection.state !== 'resuming' && connection.state !== 'catchingUp')) return;
    clearTimeout(patience);
    const behind = expected.size;
    if (behind === 0) {
      // After the events that have arrived are shown and marked as missed, on the streams of the page too.
      patience = setTimeout(caughtUp, settlingMs);
      return;
    }
    gateway.connection.set({
      state: 'catchingUp',
      since: connection.since,
      behind,
      more: behind >= countable,
    });
    patience = setTimeout(caughtUp, patienceMs);
  }

  function caughtUp(): void {
    expected = null;
    gateway.notice.set(null);
    const { state } = gateway.connection.get();
    if (state === 'resuming' || state === 'catchingUp') gateway.connection.set({ state: 'live' });
  }

  const unlisten = gateway.returns.listen(() => void countMissed());

  return {
    ...live,
    lagMs,
    stop() {
      unlisten();
      clearTimeout(patience);
      live.stop();
    },
  };
}

/** What has come, the latest first, before what was there; each once. */
export function atHead<Item extends { id: string }>(
  items: readonly Item[],
  arrivals: readonly Arrival<{ activity: Omit<Item, 'missed' | 'fresh'> }>[],
): Item[] {
  const come = new Map<string, Item>();
  for (const { event, missed } of arrivals.toReversed()) {
    const item = { ...event.activity, missed, fresh: true } as unknown as Item;
    if (!come.has(item.id)) come.set(item.id, item);
  }
  return [...come.values(), ...items.filter(({ id }) => !come.has(id))];
}

export interface FeedPage {
  items: FeedItem[];
  /** Where older ones begin; null at the beginning of time. */
  older: string | null;
  /** It has been open for so long that its end was let go. */
  trimmed?: boolean;
}

const mostRows = 10_000;

/** A page of the activities of some types, the newest first; all types when null. */
export async function readFeedPage(
  gateway: Gateway,
  types: ActivityType[] | null,
  after: string | null,
): Promise<FeedPage> {
  const { activities } = await gateway.ask(recent, { types, after, first: 100 });
  const { hasNextPage, endCursor } = activities.pageInfo;
  return {
    items: activities.nodes.map((node) => ({ ...node, missed: false, fresh: false })),
    older: hasNextPage ? (endCursor ?? null) : null,
  };
}

/** Puts what happens at the head of the page. */
export const feedPageStream = (types: ActivityType[] | null) =>
  stream<FeedPage, FeedAddedSubscription, FeedAddedSubscriptionVariables>(
    added,
    { types },
    (page, arrivals) => {
      const items = atHead(page.items, arrivals);
      return items.length > 1.2 * mostRows
        ? { items: items.slice(0, mostRows), older: null, trimmed: true }
        : { ...page, items };
    },
  );
