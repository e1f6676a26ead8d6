import '../parts/figures.css';
import { Skeleton } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import { isCutOff } from '../api/connection.ts';
import { useSession } from '../api/session.tsx';
import { useStore } from '../api/store.ts';
import { useLive } from '../api/useLive.ts';
import { formatMoney } from '../parts/money.ts';
import { Rolling } from '../parts/Rolling.tsx';
import { clockTime } from '../parts/time.ts';
import { useNow } from '../parts/useNow.ts';
import { count } from '../parts/words.ts';
import { dayFiguresStream, readDayFigures } from './dayFigures.ts';

/** How the day goes: bookings, arrivals, cancellations, revenue. */
export function DayFigures({ day, today }: { day: string; today: string }) {
  const { viewer, may, gateway } = useSession();
  const { timeZone, currency } = viewer.workspace;
  const now = useNow();
  const stale = isCutOff(useStore(gateway.connection));
  const maySeeMoney = may('PAYMENTS_READ');
  const live = useLive(
    `figures of ${day}`,
    (from) => readDayFigures(from, day, maySeeMoney),
    () => [dayFiguresStream()],
  );
  const figures = live.data ?? undefined;
  const next = figures?.nextBookingAt;
  const arrived = next != null && Date.parse(next) <= now;
  // That somebody's time has come is no event.
  useEffect(() => {
    if (arrived) live.readAgain();
  }, [arrived, now]);

  const missing = figures?.noShowBookings ?? 0;
  const expected = figures && figures.totalBookings - figures.cancelledBookings;
  const [first, ...others] = figures?.revenue?.length ? figures.revenue : [{ amount: '0', currency }];

  return (
    <dl className="figures" data-stale={stale || undefined}>
      <Figure
        label="Bookings"
        value={expected !== undefined && <Rolling value={expected - missing} />}
        note={
          figures &&
          (figures.pendingBookings > 0
            ? `${figures.pendingBookings} to confirm`
            : `${figures.bookingsMade} booked ${day === today ? 'today' : 'on this day'}`)
        }
      />
      {day < today ? (
        <Figure
          label="Arrived"
          value={figures && <Rolling value={figures.completedBookings} />}
          note={expected !== undefined && `of ${count(expected, 'booking')}`}
        />
      ) : (
        <Figure
          label="Still to arrive"
          value={figures && <Rolling value={figures.upcomingBookings} />}
          note={
            figures &&
            (next ? `next at ${clockTime(next, timeZone)}` : day === today ? 'nobody else today' : 'nobody')
          }
        />
      )}
      <Figure
        label="Cancelled"
        value={figures && <Rolling value={figures.cancelledBookings} />}
        note={figures && (missing > 0 ? count(missing, 'no-show') : 'no no-shows')}
      />
      {maySeeMoney && (
        <Figure
          label="Revenue"
          value={
            figures &&
            first && (
              <Rolling
                value={Number(first.amount)}
                format={{
                  style: 'currency',
                  currency: first.currency,
                  trailingZeroDisplay: 'stripIfInteger',
                }}
              />
            )
          }
          note={
            figures &&
            `from ${count(figures.totalPayments ?? 0, 'payment')}${others.map((sum) => `, and ${formatMoney(sum)}`).join('')}`
          }
        />
      )}
    </dl>
  );
}

function Figure({ label, value, note }: { label: string; value: ReactNode; note: ReactNode }) {
  return (
    <div className="figure">
      <dt>{label}</dt>
      <dd className="figure-value">{value || <Skeleton height={22} width={70} mt={6} mb={4} />}</dd>
      <dd className="figure-note">{note || '\u00a0'}</dd>
    </div>
  );
}
