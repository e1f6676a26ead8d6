import './connection.css';
import { useSession } from '../api/session.tsx';
import { useStore } from '../api/store.ts';
import { connectionWords } from './connectionWords.ts';

export function ConnectionBadge() {
  const { gateway, feed } = useSession();
  const connection = useStore(gateway.connection);
  const lagMs = useStore(feed.lagMs);
  const { label, tone } = connectionWords(connection, lagMs);
  return (
    <span className="connection" data-tone={tone} data-state={connection.state}>
      <i aria-hidden />
      {label}
    </span>
  );
}
