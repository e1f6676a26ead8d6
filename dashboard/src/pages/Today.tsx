import '../parts/card.css';
import '../parts/table.css';
import './Today.css';
import { ActionIcon, Button, SegmentedControl, Table } from '@mantine/core';
import { IconCalendarPlus, IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { BookingActions } from '../actions/BookingActions.tsx';
import type { Apply } from '../actions/bookingVerbs.ts';
import { useSession } from '../api/session.tsx';
import { useLive } from '../api/useLive.ts';
import { arrowKeys } from '../parts/arrowKeys.ts';
import { Badge } from '../parts/Badge.tsx';
import { ListState } from '../parts/ListState.tsx';
import { formatMoney } from '../parts/money.ts';
import {
  absolute,
  boundsOf,
  clockTime,
  dayIn,
  longDay,
  nightsBetween,
  otherDay,
  viewerZone,
} from '../parts/time.ts';
import { useNow } from '../parts/useNow.ts';
import { count, nameOf, statusWords } from '../parts/words.ts';
import { PageHead } from '../shell/PageHead.tsx';
import { DayButton } from './DayButton.tsx';
import { DayFigures } from './DayFigures.tsx';
import {
  type DayBooking,
  type DayBookings,
  dayBookingsStream,
  readDayBookings,
  withChange,
} from './dayBookings.ts';
import { HappeningNow } from './HappeningNow.tsx';

const DayChoice = lazy(() => import('./DayChoice.tsx').then((module) => ({ default: module.DayChoice })));

const views = {
  all: { label: 'All', shows: () => true },
  toCome: {
    label: 'To come',
    shows: ({ status, startsAt }: DayBooking, now: number) =>
      (status === 'PENDING' || status === 'CONFIRMED') && Date.parse(startsAt) > now,
  },
  open: {
    label: 'To confirm',
    shows: ({ status }: DayBooking) => status === 'PENDING',
  },
  off: {
    label: 'Cancelled',
    shows: ({ status }: DayBooking) => status === 'CANCELLED' || status === 'NO_SHOW',
  },
} satisfies Record<string, { label: string; shows(booking: DayBooking, now: number): boolean }>;
type View = keyof typeof views;

/** The bookings of a day, by the business's calendar, and how the day goes. */
export function Today() {
  const { viewer } = useSession();
  const { timeZone } = viewer.workspace;
  const now = useNow();
  const today = dayIn(timeZone, now);
  const { day = today } = useSearch({ from: '/' });
  const navigate = useNavigate();
  const [view, setView] = useState<View>('all');
  const [choosing, setChoosing] = useState(false);
  const bounds = boundsOf(day, timeZone);
  const live = useLive<DayBookings>(
    `bookings of ${day}`,
    (gateway) => readDayBookings(gateway, bounds),
    () => [dayBookingsStream(bounds)],
  );
  const go = (to: string) => navigate({ to: '/', search: to === today ? {} : { day: to } });
  const zone = timeZone === viewerZone ? null : `${timeZone.split('/').at(-1)?.replaceAll('_', ' ')} time`;

  return (
    <>
      <PageHead
        title={day === today ? 'Today' : longDay(day)}
        sub={[day === today && longDay(day), zone].filter(Boolean).join(' · ')}
      >
        <div className="day-choice">
          <ActionIcon
            variant="default"
            size="lg"
            aria-label="The day before"
            onClick={() => go(otherDay(day, -1))}
          >
            <IconChevronLeft size={18} />
          </ActionIcon>
          {choosing ? (
            <Suspense fallback={<DayButton day={day} />}>
              <DayChoice day={day} today={today} onChoose={go} />
            </Suspense>
          ) : (
            <DayButton day={day} onClick={() => setChoosing(true)} />
          )}
          <ActionIcon
            variant="default"
            size="lg"
            aria-label="The day after"
            onClick={() => go(otherDay(day, 1))}
          >
            <IconChevronRight size={18} />
          </ActionIcon>
        </div>
      </PageHead>
      <DayFigures day={day} today={today} />
      <div className="columns">
        <section className="card" aria-labelledby="bookings-title">
          <div className="card-head">
            <h2 id="bookings-title">Bookings</h2>
            <SegmentedControl
              size="xs"
              aria-label="Which bookings"
              value={view}
              onChange={(value) => setView(value as View)}
              data={Object.entries(views).map(([value, { label }]) => ({ value, label }))}
            />
          </div>
          <ListState
            live={live}
            what="the bookings"
            skeleton={{ rows: 8, height: 53 }}
            isEmpty={({ bookings }) => !bookings.some((booking) => views[view].shows(booking, now))}
            empty={
              <>
                <IconCalendarPlus aria-hidden size={28} stroke={1.5} />
                <strong>{view === 'all' ? 'No bookings on this day' : 'None of this kind'}</strong>
                <p>
                  {view === 'all'
                    ? 'A booking appears here the moment it is made.'
                    : 'Bookings of this day that change appear here at once.'}
                </p>
                {view !== 'all' && (
                  <Button variant="default" onClick={() => setView('all')}>
                    Show all of the day
                  </Button>
                )}
              </>
            }
          >
            {({ bookings, more }) => (
              <>
                <BookingTable
                  bookings={bookings.filter((booking) => views[view].shows(booking, now))}
                  apply={(change) => live.change((data) => withChange(data, bounds, change))}
                />
                {more && (
                  <p className="aside">The first {bookings.length.toLocaleString()} bookings of the day.</p>
                )}
              </>
            )}
          </ListState>
        </section>
        <HappeningNow />
      </div>
    </>
  );
}

function BookingTable({ bookings, apply }: { bookings: DayBooking[]; apply: Apply }) {
  const mayAct = useSession().may('BOOKINGS_WRITE');
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys go to the links within
    <div onKeyDown={arrowKeys}>
      <Table className="bookings" verticalSpacing={0} horizontalSpacing={0}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Time</Table.Th>
            <Table.Th>Customer</Table.Th>
            <Table.Th>Service</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th className="number">Price</Table.Th>
            {mayAct && (
              <Table.Th className="act">
                <span className="unseen">Actions</span>
              </Table.Th>
            )}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {bookings.map((booking) => (
            <BookingRow key={booking.id} booking={booking} apply={mayAct ? apply : null} />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function BookingRow({ booking, apply }: { booking: DayBooking; apply: Apply | null }) {
  const { id, startsAt, endsAt, timeZone, customer, service, staffMember, resource, status, price, change } =
    booking;
  const { label, tone } = statusWords[status];
  const over = status === 'CANCELLED' || status === 'NO_SHOW';
  const nights = nightsBetween(dayIn(timeZone, startsAt), dayIn(timeZone, endsAt));
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (change?.kind === 'changed' && !matchMedia('(prefers-reduced-motion: reduce)').matches)
      row.current?.animate({ background: ['var(--accent-wash)', 'transparent'] }, 2_400);
  }, [change?.kind, change?.at]);
  const place = [staffMember?.displayName, resource?.name].filter(Boolean).join(', ');
  return (
    <Table.Tr
      ref={row}
      data-booking={id}
      data-status={status}
      data-over={over || undefined}
      data-change={change?.kind}
      data-missed={change?.missed || undefined}
    >
      <Table.Td className="when">
        <time dateTime={startsAt} title={absolute(startsAt, timeZone)}>
          {clockTime(startsAt, timeZone)}
        </time>
        <span className="muted">
          {nights === 0 ? `to ${clockTime(endsAt, timeZone)}` : count(nights, 'night')}
        </span>
      </Table.Td>
      <Table.Td className="who">
        <Link to="/customers/$id" params={{ id: customer.id }} data-row className="row-link">
          {nameOf(customer)}
        </Link>
        <span className="muted tabular">{booking.reference}</span>
      </Table.Td>
      <Table.Td className="what">
        <span>{service.name}</span>
        <span className="muted">{place || (over ? '' : 'Not assigned yet')}</span>
      </Table.Td>
      <Table.Td className="status">
        <Badge tone={tone}>{label}</Badge>
        {change?.missed && <span className="missed">while offline</span>}
      </Table.Td>
      <Table.Td className="number price">{formatMoney(price)}</Table.Td>
      {apply && (
        <Table.Td className="act">
          <BookingActions booking={booking} apply={apply} />
        </Table.Td>
      )}
    </Table.Tr>
  );
}
