import './connection.css';
import { Button } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useSession } from '../api/session.tsx';
import { useStore } from '../api/store.ts';
import { clockTime } from '../parts/time.ts';

/** Says what a lost connection means for what is on the page, and what can be done. */
export function ConnectionBanner() {
  const { gateway } = useSession();
  const connection = useStore(gateway.connection);
  const notice = useStore(gateway.notice);
  if (connection.state === 'offline') {
    return (
      <div className="banner" role="status">
        <IconPlugConnectedX size={18} stroke={1.75} aria-hidden />
        <p>
          <strong>Offline since {clockTime(connection.since)}.</strong>{' '}
          {notice ?? 'The gateway cannot be reached.'} What you see is from then; what you miss is fetched as
          soon as the connection is back.
        </p>
        <Button size="xs" variant="default" onClick={gateway.tryNow}>
          Try now
        </Button>
      </div>
    );
  }
  return null;
}
