import '../parts/card.css';
import '../parts/figures.css';
import './Customer.css';
import { IconCrown, IconMail, IconMoodEmpty, IconPhone } from '@tabler/icons-react';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { BookingActions } from '../actions/BookingActions.tsx';
import type { Apply } from '../actions/bookingVerbs.ts';
import { CustomerTags } from '../actions/CustomerTags.tsx';
import { RecordButton } from '../actions/RecordButton.tsx';
import type { Tag } from '../actions/tagVerbs.ts';
import { isCutOff } from '../api/connection.ts';
import { useSession } from '../api/session.tsx';
import { useStore } from '../api/store.ts';
import { useLive } from '../api/useLive.ts';
import { Ago } from '../parts/Ago.tsx';
import { arrowKeys } from '../parts/arrowKeys.ts';
import { Badge } from '../parts/Badge.tsx';
import { ListState } from '../parts/ListState.tsx';
import { formatMoney } from '../parts/money.ts';
import { Rolling } from '../parts/Rolling.tsx';
import { absolute, clockTime, shortDate } from '../parts/time.ts';
import { gradeWords, initialsOf, nameOf, stageWords, statusWords } from '../parts/words.ts';
import { PageHead } from '../shell/PageHead.tsx';
import { ActivityRow } from './ActivityRow.tsx';
import {
  type CustomerProfile,
  type CustomerTimeline,
  customerStreams,
  readCustomer,
  readTimeline,
  timelineStreams,
} from './customerProfile.ts';

/** One customer: who they are, what they have booked, and what happens with them, live. */
export function Customer() {
  const { id } = useParams({ from: '/customers/$id' });
  const { may } = useSession();
  const rights = { insights: may('INSIGHTS_READ'), payments: may('PAYMENTS_READ'), tags: may('TAGS_READ') };
  const live = useLive<CustomerProfile | null>(
    `customer ${id}`,
    (gateway) => readCustomer(gateway, id, rights),
    () => customerStreams(id),
  );
  const timeline = useLive<CustomerTimeline>(
    `timeline ${id}`,
    (gateway) => readTimeline(gateway, id),
    () => timelineStreams(id),
  );
  const customer = live.data;
  const wear = (tags: Tag[]) => live.change((data) => data && { ...data, tags });
  const apply: Apply = (change) =>
    live.change(
      (data) =>
        data && {
          ...data,
          bookings: {
            nodes: data.bookings.nodes.map((booking) =>
              booking.id === change.id ? { ...booking, ...change } : booking,
            ),
          },
        },
    );

  if (customer === null)
    return (
      <>
        <PageHead title="Customer" />
        <section className="card state">
          <IconMoodEmpty aria-hidden size={28} stroke={1.5} />
          <strong>There is no such customer</strong>
          <p>They may have been deleted, or you may not see them.</p>
          <Link to="/customers" className="link">
            All customers
          </Link>
        </section>
      </>
    );

  return (
    <>
      <PageHead
        title={customer ? nameOf(customer) : 'Customer'}
        sub={customer ? [customer.jobTitle, customer.companyName].filter(Boolean).join(', ') : undefined}
      />
      {customer && <Profile customer={customer} wear={wear} />}
      {customer?.stats && <Stats customer={customer} />}
      <div className="columns">
        <section className="card" aria-labelledby="their-bookings">
          <div className="card-head">
            <h2 id="their-bookings">Bookings</h2>
            {customer && customer.bookings.nodes.length > 0 && <span className="muted">Latest first</span>}
          </div>
          <ListState
            live={live}
            what="this customer"
            skeleton={{ rows: 5, height: 53 }}
            isEmpty={(data) => data === null || data.bookings.nodes.length === 0}
            empty={
              <>
                <strong>No bookings yet</strong>
                <p>Their first booking appears here the moment it is made.</p>
              </>
            }
          >
            {(data) => (
              <Bookings bookings={data?.bookings.nodes ?? []} apply={may('BOOKINGS_WRITE') ? apply : null} />
            )}
          </ListState>
        </section>
        <section className="card aside-card" aria-labelledby="their-timeline">
          <div className="card-head">
            <h2 id="their-timeline">Timeline</h2>
            {customer && <RecordButton customerId={id} name={nameOf(customer)} />}
          </div>
          <ListState
            live={timeline}
            what="the timeline"
            skeleton={{ rows: 6, height: 57 }}
            isEmpty={(items) => items.length === 0}
            empty={
              <>
                <strong>Nothing has happened yet</strong>
                <p>What happens with this customer appears here as it happens.</p>
              </>
            }
          >
            {(items) => (
              <ul className="stream tall">
                {items.map((item) => (
                  <li key={item.id} data-fresh={item.fresh || undefined}>
                    <ActivityRow item={item} withName={false} />
                  </li>
                ))}
              </ul>
            )}
          </ListState>
        </section>
      </div>
    </>
  );
}

function Profile({ customer, wear }: { customer: CustomerProfile; wear(tags: Tag[]): void }) {
  const { email, phone, tags, lifecycleStage, vip, leadScore, doNotContact } = customer;
  const name = nameOf(customer);
  return (
    <section className="card profile" aria-label="Profile">
      <span className="avatar large" aria-hidden>
        {initialsOf(name)}
      </span>
      <div className="profile-facts">
        <div className="profile-line">
          {lifecycleStage && <Badge tone="accent">{stageWords[lifecycleStage]}</Badge>}
          {vip && (
            <span className="vip">
              <IconCrown size={14} aria-hidden /> VIP
            </span>
          )}
          {doNotContact && <Badge tone="red">Do not contact</Badge>}
          {tags && <CustomerTags customerId={customer.id} tags={tags} apply={wear} />}
        </div>
        <div className="profile-line contacts">
          {email && (
            <a href={`mailto:${email}`}>
              <IconMail size={16} stroke={1.75} aria-hidden />
              {email}
            </a>
          )}
          {phone && (
            <a href={`tel:${phone}`} className="tabular">
              <IconPhone size={16} stroke={1.75} aria-hidden />
              {phone}
            </a>
          )}
          {!email && !phone && <span className="muted">No e-mail address or phone number</span>}
        </div>
      </div>
      {leadScore && (
        <div className="profile-score">
          <span className="muted">Lead score</span>
          <strong>
            <Rolling value={leadScore.score} />
          </strong>
          <Badge tone={gradeWords[leadScore.grade].tone}>{gradeWords[leadScore.grade].label}</Badge>
        </div>
      )}
    </section>
  );
}

function Stats({ customer: { stats, createdAt } }: { customer: CustomerProfile }) {
  const { timeZone } = useSession().viewer.workspace;
  const stale = isCutOff(useStore(useSession().gateway.connection));
  if (!stats) return null;
  const [spent, ...others] = stats.totalSpent ?? [];
  return (
    <dl className="figures" data-stale={stale || undefined}>
      <Figure label="Bookings" note={`${stats.completedBookings} completed`}>
        <Rolling value={stats.totalBookings} />
      </Figure>
      <Figure
        label="Cancelled"
        note={`${stats.noShowBookings === 0 ? 'no' : stats.noShowBookings} ${stats.noShowBookings === 1 ? 'no-show' : 'no-shows'}`}
      >
        <Rolling value={stats.cancelledBookings} />
      </Figure>
      {stats.totalSpent && (
        <Figure
          label="Spent"
          note={
            others.length
              ? `and ${others.map(formatMoney).join(', ')}`
              : spent
                ? 'less refunds'
                : 'nothing paid yet'
          }
        >
          {spent ? (
            <Rolling
              value={Number(spent.amount)}
              format={{ style: 'currency', currency: spent.currency, trailingZeroDisplay: 'stripIfInteger' }}
            />
          ) : (
            '–'
          )}
        </Figure>
      )}
      <Figure
        label={
          stats.lastBookingAt && Date.parse(stats.lastBookingAt) > Date.now()
            ? 'Next booking'
            : 'Last booking'
        }
        note={`added ${shortDate(createdAt, timeZone)}`}
      >
        {stats.lastBookingAt ? <Ago at={stats.lastBookingAt} /> : '–'}
      </Figure>
    </dl>
  );
}

function Figure({ label, note, children }: { label: string; note: string; children: ReactNode }) {
  return (
    <div className="figure">
      <dt>{label}</dt>
      <dd className="figure-value">{children}</dd>
      <dd className="figure-note">{note}</dd>
    </div>
  );
}

interface BookingsProps {
  bookings: CustomerProfile['bookings']['nodes'];
  /** Null when this key may not act. */
  apply: Apply | null;
}

function Bookings({ bookings, apply }: BookingsProps) {
  return (
    <ul className="booking-list" data-acts={apply ? true : undefined} onKeyDown={arrowKeys}>
      {bookings.map((booking) => {
        const { id, reference, status, startsAt, timeZone, service, staffMember, resource, price } = booking;
        return (
          <li
            key={id}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys go from row to row
            tabIndex={0}
            data-row
            data-over={status === 'CANCELLED' || status === 'NO_SHOW' || undefined}
          >
            <time dateTime={startsAt} title={absolute(startsAt, timeZone)} className="when">
              <span>{shortDate(startsAt, timeZone)}</span>
              <span className="muted">{clockTime(startsAt, timeZone)}</span>
            </time>
            <div className="what">
              <span>{service.name}</span>
              <span className="muted">
                <span className="tabular">{reference}</span>
                {[staffMember?.displayName, resource?.name].filter(Boolean).map((place) => ` · ${place}`)}
              </span>
            </div>
            <Badge tone={statusWords[status].tone}>{statusWords[status].label}</Badge>
            <span className="number">{formatMoney(price)}</span>
            {apply && <BookingActions booking={booking} apply={apply} />}
          </li>
        );
      })}
    </ul>
  );
}
