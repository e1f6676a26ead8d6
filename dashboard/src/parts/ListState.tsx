import './ListState.css';
import { Button, Skeleton } from '@mantine/core';
import { IconPlugConnectedX, IconRefresh } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { isCutOff } from '../api/connection.ts';
import type { LiveState } from '../api/live.ts';
import { useSession } from '../api/session.tsx';
import { useStore } from '../api/store.ts';
import { ago, clockTime } from './time.ts';
import { useNow } from './useNow.ts';

interface Props<Data> {
  live: Pick<LiveState<Data>, 'phase' | 'data' | 'problem' | 'currentAt' | 'readAfreshAt'> & {
    retry(): void;
  };
  /** What it is that is shown: "the bookings". */
  what: string;
  isEmpty(data: Data): boolean;
  empty: ReactNode;
  /** Rows while it is loading, of the height that they will have. */
  skeleton: { rows: number; height: number };
  children(data: Data): ReactNode;
}

/** The five states of a list: loading, empty, filled, failed, and cut off, when what is there stays and says its age. */
export function ListState<Data>({ live, what, isEmpty, empty, skeleton, children }: Props<Data>) {
  const { data, phase, problem } = live;
  const connection = useStore(useSession().gateway.connection);
  const now = useNow();
  const stale = isCutOff(connection);

  if (data === undefined && phase === 'failed') {
    return (
      <div className="state" role="alert">
        <IconPlugConnectedX aria-hidden size={28} stroke={1.5} />
        <strong>Could not read {what}</strong>
        <p>{problem?.message}</p>
        <Button variant="default" leftSection={<IconRefresh size={16} />} onClick={live.retry}>
          Try again
        </Button>
      </div>
    );
  }
  if (data === undefined) {
    return (
      <div className="skeletons" aria-busy="true" role="status" aria-label={`Loading ${what}`}>
        {Array.from({ length: skeleton.rows }, (_, at) => (
          <div key={at} className="skeleton" style={{ height: skeleton.height }}>
            <Skeleton height={12} width={`${20 + ((at * 37) % 25)}%`} />
            <Skeleton height={12} width={`${12 + ((at * 23) % 18)}%`} />
          </div>
        ))}
      </div>
    );
  }
  return (
    <div className="live-list" data-stale={stale || undefined}>
      {stale && (
        <p className="aside" role="note">
          As of {clockTime(live.currentAt)}, {ago(live.currentAt, now)}
        </p>
      )}
      {!stale && problem && (
        <p className="aside" role="note">
          Not up to date since {clockTime(live.currentAt)}: {problem.message}{' '}
          <button type="button" className="link" onClick={live.retry}>
            Try again
          </button>
        </p>
      )}
      {!stale && live.readAfreshAt !== undefined && (
        <p className="aside" role="note">
          You were away for longer than the log reaches back. All of this was read afresh at{' '}
          {clockTime(live.readAfreshAt)}.
        </p>
      )}
      {isEmpty(data) ? <div className="state">{empty}</div> : children(data)}
    </div>
  );
}
