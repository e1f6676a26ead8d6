import './actions.css';
import { ActionIcon } from '@mantine/core';
import { IconCheck, IconDots } from '@tabler/icons-react';
import { lazy, Suspense, useRef, useState } from 'react';
import { useSession } from '../api/session.tsx';
import type { ActionableBooking, Apply, VerbStatus } from './bookingVerbs.ts';
import { setStatus, verbs } from './bookingVerbs.ts';

const BookingMenu = lazy(() =>
  import('./BookingMenu.tsx').then((module) => ({ default: module.BookingMenu })),
);

interface Props {
  booking: ActionableBooking;
  apply: Apply;
}

/** What can be done with a booking: the likely next step by one press, everything in a menu. */
export function BookingActions({ booking, apply }: Props) {
  const { gateway } = useSession();
  /** How often the menu was asked for; it is loaded the first time. */
  const [asked, setAsked] = useState(0);
  const [problem, setProblem] = useState<string | null>(null);
  const dots = useRef<HTMLButtonElement>(null);
  const next = (['CONFIRMED', 'COMPLETED'] as const).find((status) => verbs[status].can(booking));
  const possible =
    booking.viewerCanCancel ||
    booking.viewerCanReschedule ||
    Object.values(verbs).some(({ can }) => can(booking));
  if (!possible && !problem) return null;

  const open = () => setAsked((times) => times + 1);
  async function run(to: VerbStatus) {
    setProblem(null);
    // The button that was pressed may be gone with the status.
    dots.current?.focus();
    await setStatus(gateway, booking, to, apply).catch((refused: Error) => {
      setProblem(refused.message);
      open();
    });
  }

  const button = (
    <ActionIcon
      ref={dots}
      variant="subtle"
      color="gray"
      aria-label={`More for ${booking.reference}`}
      title="More"
      aria-haspopup="menu"
      onClick={asked === 0 ? open : undefined}
    >
      <IconDots size={18} stroke={1.75} />
    </ActionIcon>
  );
  return (
    <div className="actions">
      {next && booking.status !== 'NO_SHOW' && (
        <ActionIcon
          className="next"
          variant="default"
          aria-label={`${verbs[next].label} ${booking.reference}`}
          title={verbs[next].label}
          onClick={() => void run(next)}
        >
          <IconCheck size={16} stroke={2} />
        </ActionIcon>
      )}
      {asked === 0 ? (
        button
      ) : (
        <Suspense fallback={button}>
          <BookingMenu
            asked={asked}
            button={button}
            booking={booking}
            apply={apply}
            run={run}
            problem={problem}
            onClose={() => setProblem(null)}
            focus={() => dots.current?.focus()}
          />
        </Suspense>
      )}
    </div>
  );
}
