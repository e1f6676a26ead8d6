import './ActivityRow.css';
import { Link } from '@tanstack/react-router';
import type { FeedActivity } from '../api/feed.ts';
import { useSession } from '../api/session.tsx';
import { ActivityIcon } from '../parts/ActivityIcon.tsx';
import { Ago } from '../parts/Ago.tsx';
import { detailOf, titleOf } from '../parts/activityWords.ts';
import { nameOf } from '../parts/words.ts';

interface Props {
  item: Omit<FeedActivity, 'customer'> & { customer?: FeedActivity['customer']; missed?: boolean };
  /** On a customer's own page the name is known. */
  withName?: boolean;
}

export function ActivityRow({ item, withName = true }: Props) {
  const { timeZone } = useSession().viewer.workspace;
  const detail = detailOf(item, timeZone);
  const title = titleOf(item);
  return (
    <div className="activity" data-activity={item.id} data-missed={item.missed || undefined}>
      <ActivityIcon type={item.type} />
      <div className="activity-text">
        <span className="activity-title" title={title}>
          {title}
        </span>
        <span className="activity-sub">
          {withName && item.customer && (
            <Link to="/customers/$id" params={{ id: item.customer.id }} data-row className="row-link">
              {nameOf(item.customer)}
            </Link>
          )}
          {detail && <span className="muted">{detail}</span>}
        </span>
      </div>
      <div className="activity-when">
        <Ago at={item.occurredAt} className="muted" />
        {item.missed && <span className="missed">while offline</span>}
      </div>
    </div>
  );
}
