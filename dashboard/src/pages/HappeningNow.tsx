import '../parts/card.css';
import { IconBolt } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useSession } from '../api/session.tsx';
import { useStore } from '../api/store.ts';
import { arrowKeys } from '../parts/arrowKeys.ts';
import { ListState } from '../parts/ListState.tsx';
import { ActivityRow } from './ActivityRow.tsx';

const shown = 10;

/** The latest of the whole business, beside the day. */
export function HappeningNow() {
  const { feed } = useSession();
  const live = { ...useStore(feed.state), retry: feed.retry };
  return (
    <section className="card aside-card" aria-labelledby="now-title">
      <div className="card-head">
        <h2 id="now-title">Happening now</h2>
        <Link to="/activity" className="link">
          All activity
        </Link>
      </div>
      <ListState
        live={live}
        what="the activity"
        skeleton={{ rows: 8, height: 57 }}
        isEmpty={(items) => items.length === 0}
        empty={
          <>
            <IconBolt aria-hidden size={28} stroke={1.5} />
            <strong>Nothing has happened yet</strong>
            <p>Bookings, payments and changes appear here as they happen.</p>
          </>
        }
      >
        {(items) => (
          <ul className="stream" onKeyDown={arrowKeys}>
            {items.slice(0, shown).map((item) => (
              <li key={item.id} data-fresh={item.fresh || undefined}>
                <ActivityRow item={item} />
              </li>
            ))}
          </ul>
        )}
      </ListState>
    </section>
  );
}
