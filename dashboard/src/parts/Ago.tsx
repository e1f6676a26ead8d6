import { useSession } from '../api/session.tsx';
import { absolute, ago } from './time.ts';
import { useNow } from './useNow.ts';

/** How long ago or ahead something is; the exact time and zone on hover. */
export function Ago({ at, className }: { at: string; className?: string }) {
  const { timeZone } = useSession().viewer.workspace;
  const now = useNow();
  return (
    <time dateTime={at} title={absolute(at, timeZone)} className={className}>
      {ago(at, now)}
    </time>
  );
}
