import { useEffect, useRef, useState } from 'react';
import { useSession } from '../api/session.tsx';
import { useStore } from '../api/store.ts';
import { titleOf } from '../parts/activityWords.ts';
import { count, nameOf } from '../parts/words.ts';
import { connectionWords } from './connectionWords.ts';

/** A screen reader is told of changes this often at most, all of them in one sentence. */
const everyMs = 5_000;

/** Tells those who listen rather than look, politely: when they have time. */
export function Announcer() {
  const { gateway, feed } = useSession();
  const connection = useStore(gateway.connection);
  const [news, setNews] = useState('');
  const toldUpTo = useRef<string | null>(null);

  useEffect(() => {
    const timer = setInterval(() => {
      const items = (feed.state.get().data ?? []).filter(({ fresh }) => fresh);
      const seen = items.findIndex(({ id }) => id === toldUpTo.current);
      const unseen = seen === -1 ? items : items.slice(0, seen);
      const [latest] = unseen;
      if (!latest) return;
      toldUpTo.current = latest.id;
      setNews(
        unseen.length === 1
          ? `${titleOf(latest)}, ${nameOf(latest.customer)}`
          : `${count(unseen.length, 'new activity', 'new activities')}, the latest: ${titleOf(latest)}`,
      );
    }, everyMs);
    return () => clearInterval(timer);
  }, [feed]);

  return (
    <div className="unseen">
      <div aria-live="polite" role="status">
        {connectionWords(connection, null).label}
      </div>
      <div aria-live="polite" role="status">
        {news}
      </div>
    </div>
  );
}
