import './ActivityStream.css';
import { Button, Loader } from '@mantine/core';
import { IconArrowUp } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import {
  type KeyboardEvent,
  memo,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from 'react';
import type { FeedItem, FeedPage } from '../api/feed.ts';
import type { Gateway } from '../api/gateway.ts';
import { useSession } from '../api/session.tsx';
import { dayIn, longDay } from '../parts/time.ts';
import { useNow } from '../parts/useNow.ts';
import { count } from '../parts/words.ts';
import { ActivityRow } from './ActivityRow.tsx';

const rowHeight = 57;
const headHeight = 37;

type Line = { id: string; day: string } | { id: string; item: FeedItem };

interface Props {
  page: FeedPage;
  readOlder(gateway: Gateway): Promise<FeedPage>;
  onOlder(page: FeedPage): void;
}

/**
 * A stream of any length: only what can be seen is on the page. New rows slide in at the head for who looks there; who
 * reads further down stays where they are and is told how many there are.
 */
export function ActivityStream({ page, readOlder, onOlder }: Props) {
  const { gateway, viewer } = useSession();
  const { timeZone } = viewer.workspace;
  const today = dayIn(timeZone, useNow());
  const scroller = useRef<HTMLDivElement>(null);
  const [atHead, setAtHead] = useState(true);
  const { items, older, trimmed } = useInBatches(page, !atHead);
  const [focused, setFocused] = useState<string | null>(null);
  const [seenHead, setSeenHead] = useState(items[0]?.id);
  const [reading, setReading] = useState(false);
  const [failed, setFailed] = useState(false);
  const lines = useLines(items, timeZone);
  const busy = useBusy(items[0]?.id);

  // All rows are placed anew whenever one of these functions is another.
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: useCallback(() => scroller.current, []),
    estimateSize: useCallback((at) => ('day' in (lines[at] as Line) ? headHeight : rowHeight), [lines]),
    getItemKey: useCallback((at) => (lines[at] as Line).id, [lines]),
    overscan: 8,
    useFlushSync: false,
  });

  // Who reads further down must not be pushed about by what comes in above.
  const first = useRef<{ id: string | undefined; size: number }>({ id: items[0]?.id, size: 0 });
  const size = virtual.getTotalSize();
  useLayoutEffect(() => {
    const before = first.current;
    const head = items[0]?.id;
    const grown = size - before.size;
    if (head !== before.id && before.size > 0 && grown > 0 && !atHead && scroller.current)
      scroller.current.scrollTop += grown;
    first.current = { id: head, size };
  }, [items, size, atHead]);

  useEffect(() => {
    if (atHead) setSeenHead(items[0]?.id);
  }, [atHead, items]);
  const unseen = Math.max(
    0,
    items.findIndex(({ id }) => id === seenHead),
  );

  const rows = virtual.getVirtualItems();
  const lastShown = rows.at(-1)?.index ?? 0;
  useEffect(() => {
    if (older === null || reading || failed || lastShown < lines.length - 20) return;
    setReading(true);
    readOlder(gateway)
      .then(onOlder, () => setFailed(true))
      .finally(() => setReading(false));
  }, [older, reading, failed, lastShown, lines.length, gateway, readOlder, onOlder]);

  function onKeyDown(event: KeyboardEvent) {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -lines.length }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const at = lines.findIndex(({ id }) => id === focused);
    const step = Math.sign(by);
    let to = Math.min(Math.max(at + by, 0), lines.length - 1);
    while ('day' in (lines[to] as Line) && lines[to + step]) to += step;
    if ('day' in (lines[to] as Line)) to = Math.min(to + 1, lines.length - 1);
    const id = (lines[to] as Line).id;
    setFocused(id);
    virtual.scrollToIndex(to);
    // It may not be on the page before the scrolling has put it there.
    requestAnimationFrame(() =>
      requestAnimationFrame(() =>
        scroller.current?.querySelector<HTMLElement>(`[data-line="${id}"]`)?.focus({ preventScroll: true }),
      ),
    );
  }

  const tabStop =
    focused && lines.some(({ id }) => id === focused) ? focused : lines.find((line) => 'item' in line)?.id;
  return (
    <div className="stream-frame">
      {unseen > 0 && !atHead && (
        <Button
          className="to-head"
          size="xs"
          radius="xl"
          leftSection={<IconArrowUp size={14} />}
          onClick={() => scroller.current?.scrollTo({ top: 0, behavior: 'smooth' })}
        >
          {count(unseen, 'new one', 'new ones')}
        </Button>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: keys go to the rows within */}
      <div
        ref={scroller}
        className="scroller"
        data-at-head={atHead || undefined}
        data-busy={busy || undefined}
        onScroll={({ currentTarget }) => setAtHead(currentTarget.scrollTop < 4)}
        onKeyDown={onKeyDown}
      >
        <ul className="virtual" style={{ height: size }}>
          {rows.map(({ index, key, start, size: height }) => {
            const line = lines[index] as Line;
            const place = { transform: `translateY(${start}px)`, height };
            return 'day' in line ? (
              <li key={key} className="virtual-row day-row" style={place}>
                <h2>{line.day === today ? 'Today' : longDay(line.day)}</h2>
              </li>
            ) : (
              <li
                key={key}
                tabIndex={line.id === tabStop ? 0 : -1}
                data-line={line.id}
                data-fresh={line.item.fresh || undefined}
                onFocus={() => setFocused(line.id)}
                className="virtual-row"
                style={place}
              >
                <Row item={line.item} />
              </li>
            );
          })}
        </ul>
        <div className="stream-end">
          {reading && <Loader size="sm" aria-label="Reading older activity" />}
          {failed && (
            <Button variant="default" size="xs" onClick={() => setFailed(false)}>
              Older activity could not be read. Try again
            </Button>
          )}
          {older === null && (
            <span className="muted">
              {trimmed ? 'What is older is there when the page is loaded again.' : 'That is where it begins.'}
            </span>
          )}
        </div>
      </div>
    </div>
  );
}

/** A row is what it was while its place changes. */
const Row = memo(ActivityRow);

/** What comes in above is put there a few times a second for who cannot see it, not at each event: all rows are placed anew. */
function useInBatches(page: FeedPage, outOfSight: boolean): FeedPage {
  const shown = useRef(page);
  const newest = useRef(page);
  const timer = useRef<number>(undefined);
  const [, showAgain] = useReducer((turn: number) => turn + 1, 0);
  newest.current = page;
  const waits = outOfSight && page.older === shown.current.older && page !== shown.current;
  if (!waits) shown.current = page;
  useEffect(() => {
    if (!waits || timer.current) return;
    timer.current = window.setTimeout(() => {
      timer.current = undefined;
      shown.current = newest.current;
      showAgain();
    }, batchMs);
  });
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  return shown.current;
}

const batchMs = 250;

/** Whether so much comes in that rows that slide would only make it restless. */
function useBusy(head: string | undefined): boolean {
  const [busy, setBusy] = useState(false);
  const arrivals = useRef<number[]>([]);
  useEffect(() => {
    if (head === undefined) return;
    const now = Date.now();
    arrivals.current = [...arrivals.current.filter((at) => at > now - busyMs), now];
    setBusy(arrivals.current.length > manyArrivals);
    const calm = setTimeout(() => setBusy(false), busyMs);
    return () => clearTimeout(calm);
  }, [head]);
  return busy;
}

const busyMs = 1_500;
const manyArrivals = 4;

/** `linesOf`, of which only the head is made again when something new comes in: there may be ten thousand. */
function useLines(items: readonly FeedItem[], timeZone: string): Line[] {
  const made = useRef<{ items: readonly FeedItem[]; timeZone: string; lines: Line[] }>(undefined);
  return useMemo(() => {
    const before = made.current;
    const added = before?.items[0] ? items.indexOf(before.items[0]) : -1;
    const prepended =
      before?.timeZone === timeZone &&
      added > 0 &&
      items.length === added + before.items.length &&
      items.at(-1) === before.items.at(-1);
    const lines = prepended
      ? joined(linesOf(items.slice(0, added), timeZone), before.lines)
      : linesOf(items, timeZone);
    made.current = { items, timeZone, lines };
    return lines;
  }, [items, timeZone]);
}

/** Of two parts that meet within a day, the second needs no heading. */
function joined(head: Line[], rest: Line[]): Line[] {
  const day = head.findLast((line) => 'day' in line)?.day;
  const [first] = rest;
  return [...head, ...(first && 'day' in first && first.day === day ? rest.slice(1) : rest)];
}

/** The rows, with a heading before each day. */
function linesOf(items: readonly FeedItem[], timeZone: string): Line[] {
  const lines: Line[] = [];
  let day = '';
  for (const item of items) {
    const own = dayOf(item.occurredAt, timeZone);
    if (own !== day) lines.push({ id: `${own} ${lines.length === 0 ? 'first' : item.id}`, day: own });
    day = own;
    lines.push({ id: item.id, item });
  }
  return lines;
}

const days = new Map<string, string>();

/** Worked out once for an instant: there may be ten thousand rows. */
function dayOf(at: string, timeZone: string): string {
  const known = days.get(at);
  if (known) return known;
  const day = dayIn(timeZone, at);
  days.set(at, day);
  return day;
}
