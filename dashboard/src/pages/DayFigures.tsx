import { Skeleton } from '@mantine/core';
import type { ReactNode } from 'react';
import { isCutOff } from '../api/connection.ts';
import { useSession } from '../api/session.tsx';
import { useStore } from '../api/store.ts';
import { useLive } from '../api/useLive.ts';
import { Rolling } from '../parts/Rolling.tsx';
import { boundsOf, clockTime } from '../parts/time.ts';
import { useNow } from '../parts/useNow.ts';
import { count } from '../parts/words.ts';
import type { DayBookings } from './dayBookings.ts';
import { dayFiguresStream, readDayFigures } from './dayFigures.ts';

interface Props {
  day: string;
  today: string;
  bookings: DayBookings | undefined;
}

/** How the day goes: bookings, arrivals, cancellations, revenue. */
export function DayFigures({ day, today, bookings: read }: Props) {
  const { viewer, may, gateway } = useSession();
  const { timeZone, currency } = viewer.workspace;
  const now = useNow();
  const stale = isCutOff(useStore(gateway.connection));
  const maySeeMoney = may('PAYMENTS_READ');
  const bounds = boundsOf(day, timeZone);
  const money = useLive(
    `figures of ${day}`,
    (from) => readDayFigures(from, bounds, maySeeMoney),
    () => [dayFiguresStream()],
  ).data;

  const bookings = read?.bookings;
  const of = (...statuses: string[]) => bookings?.filter(({ status }) => statuses.includes(status)) ?? [];
  const standing = of('PENDING', 'CONFIRMED', 'COMPLETED').length;
  const pending = of('PENDING').length;
  const toCome = of('PENDING', 'CONFIRMED').filter(({ startsAt }) => Date.parse(startsAt) > now);
  const [next] = toCome;
  const cancelled = of('CANCELLED').length;
  const missing = of('NO_SHOW').length;
  const [first, ...others] = money?.revenue.length ? money.revenue : [{ amount: '0', currency }];

  return (
    <dl className="figures" data-stale={stale || undefined}>
      <Figure
        label="Bookings"
        value={bookings && <Rolling value={standing} />}
        note={
          pending > 0
            ? `${pending} to confirm`
            : money?.made != null
              ? `${money.made} booked ${day === today ? 'today' : 'on this day'}`
              : ' '
        }
      />
      <Figure
        label={day < today ? 'Arrived' : 'Still to arrive'}
        value={bookings && <Rolling value={day < today ? of('COMPLETED').length : toCome.length} />}
        note={
          day < today
            ? `of ${count(standing + missing, 'booking')}`
            : next
              ? `next at ${clockTime(next.startsAt, next.timeZone)}`
              : 'nobody else today'
        }
      />
      <Figure
        label="Cancelled"
        value={bookings && <Rolling value={cancelled} />}
        note={missing > 0 ? count(missing, 'no-show') : 'no no-shows'}
      />
      {maySeeMoney && (
        <Figure
          label="Revenue"
          value={
            money &&
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
            money
              ? `${money.more ? 'from the first' : 'from'} ${count(money.payments, 'payment')}${others.map((sum) => `, and ${sum.amount} ${sum.currency}`).join('')}`
              : ' '
          }
        />
      )}
    </dl>
  );
}

function Figure({ label, value, note }: { label: string; value: ReactNode; note: string }) {
  return (
    <div className="figure">
      <dt>{label}</dt>
      <dd className="figure-value">{value ?? <Skeleton height={22} width={70} mt={6} mb={4} />}</dd>
      <dd className="figure-note">{note}</dd>
    </div>
  );
}
